namespace Gristmill.Engine;

/// <summary>Why an activation ends.</summary>
public enum DeactivationReasonCode : byte
{
    /// <summary>No reason was given.</summary>
    None = 0,

    /// <summary>The silo is stopping.</summary>
    ShuttingDown = 1,

    /// <summary>The activation failed to start.</summary>
    ActivationFailed = 2,

    /// <summary>The activation could not be registered, or its registration was lost.</summary>
    DirectoryFailure = 3,

    /// <summary>The activation was idle for longer than the collection age.</summary>
    ActivationIdle = 4,

    /// <summary>The activation did not answer.</summary>
    ActivationUnresponsive = 5,

    /// <summary>Another activation of the grain was there first.</summary>
    DuplicateActivation = 6,

    /// <summary>A call arrived that the activation cannot serve.</summary>
    IncompatibleRequest = 7,

    /// <summary>The grain's code failed in a way that makes its memory worthless.</summary>
    ApplicationError = 8,

    /// <summary>The grain asked for it.</summary>
    ApplicationRequested = 9,

    /// <summary>The grain moves to another silo.</summary>
    Migrating = 10,

    /// <summary>The engine asked for it.</summary>
    RuntimeRequested = 11,

    /// <summary>Memory was short.</summary>
    HighMemoryPressure = 12,
}

/// <summary>Why an activation ends, with words.</summary>
public readonly struct DeactivationReason
{
    /// <summary>Creates a reason.</summary>
    /// <param name="code">The code.</param>
    /// <param name="text">For people.</param>
    public DeactivationReason(DeactivationReasonCode code, string text)
    {
        ReasonCode = code;
        Description = text;
    }

    /// <summary>Creates a reason with the exception behind it.</summary>
    /// <param name="code">The code.</param>
    /// <param name="exception">What was thrown, if anything.</param>
    /// <param name="text">For people.</param>
    public DeactivationReason(DeactivationReasonCode code, Exception? exception, string text)
    {
        ReasonCode = code;
        Description = text;
        Exception = exception;
    }

    /// <summary>For people.</summary>
    public string Description { get; }

    /// <summary>The code.</summary>
    public DeactivationReasonCode ReasonCode { get; }

    /// <summary>What was thrown, if anything.</summary>
    public Exception? Exception { get; }

    /// <inheritdoc/>
    public override string ToString() =>
        Exception is null ? $"{ReasonCode}: {Description}" : $"{ReasonCode}: {Description}. Exception: {Exception}";
}
