namespace Gristmill.Grains.Handlers;

/// <summary>
/// Runs attempts of one queue's jobs: in this process or in worker processes. One runner per queue and
/// silo, called by whatever starts jobs.
/// </summary>
/// <remarks>
/// The caller decides timeouts and cancellation and says so by the token alone. The caller also bounds how many
/// attempts run at once, by <see cref="Concurrency"/> and its own limits.
/// </remarks>
internal interface IJobRunner : IAsyncDisposable
{
    /// <summary>One line for logs and status pages: what runs the jobs.</summary>
    string Describe();

    /// <summary>
    /// How many attempts can run at this moment; null is unlimited. It falls while workers are being restarted, to 0
    /// when none is left, and rises again: read it before each claim.
    /// </summary>
    int? Concurrency { get; }

    /// <summary>Makes ready; returns when a first attempt can be run, throws <see cref="RunnerStartException"/> if none can.</summary>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Runs one attempt to its end. Never throws and never cuts a wait short: it returns only when the handler has
    /// returned, or the worker has answered or its process is dead. Runs on the caller's thread until the handler
    /// first awaits, so a caller that must not block starts it on the thread pool.
    /// </summary>
    ValueTask<AttemptResult> RunAsync(JobAttempt attempt, IProgressSink progress, CancellationToken cancellationToken);
}

/// <summary>A runner cannot run anything; the message says what to change.</summary>
internal sealed class RunnerStartException(string message, Exception? innerException = null)
    : Exception(message, innerException);
