namespace Gristmill.Grains.Handlers;

/// <summary>What a failure of an attempt means for its job.</summary>
public enum JobFailureKind
{
    /// <summary>Try again, as far as the job's retries reach.</summary>
    Retry = 0,

    /// <summary>Trying again cannot help: the job becomes a dead letter at once.</summary>
    Fatal = 1,

    /// <summary>Memory, of the host or of a device, was not enough; counted by a budget of its own.</summary>
    OutOfMemory = 2,
}

/// <summary>
/// Thrown by a handler to say how its attempt failed. Any other exception means <see cref="JobFailureKind.Retry"/>,
/// except <see cref="OutOfMemoryException"/> and messages that say that CUDA is out of memory.
/// </summary>
/// <param name="message">Why it failed, for people; 4 KiB of it are kept.</param>
/// <param name="kind">What it means for the job.</param>
/// <param name="innerException">What caused it, if anything.</param>
public sealed class JobFailedException(
    string message,
    JobFailureKind kind = JobFailureKind.Retry,
    Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>What the failure means for the job.</summary>
    public JobFailureKind Kind { get; } = kind;
}
