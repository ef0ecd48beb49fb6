namespace Gristmill.Grains.Handlers;

/// <summary>
/// Runs attempts of one queue's jobs: in this process or in worker processes. One runner per queue and
/// silo, called by whatever starts jobs.
/// </summary>
/// <remarks>
/// The caller decides timeouts and cancellation and says so by the token alone. The caller also bounds how many
/// attempts run at once, by <see cref="Reserve"/> and its own limits.
/// </remarks>
internal interface IJobRunner : IAsyncDisposable
{
    /// <summary>One line for logs and status pages: what runs the jobs.</summary>
    string Describe();

    /// <summary>
    /// How many attempts can run at this moment, for people; null is unlimited. It falls while workers are being
    /// restarted, to 0 when none is left, and rises again.
    /// </summary>
    int? Concurrency { get; }

    /// <summary>Called when there may be room for more than there was. From any thread.</summary>
    Action? RoomChanged { get; set; }

    /// <summary>
    /// Keeps room for a claim: what shares its devices with other queues takes them now, so that no job is claimed that
    /// would have to wait for one. Each call is followed by <see cref="Settle"/> once the claim is over.
    /// </summary>
    /// <param name="executing">Attempts that were launched and have not returned, also those that are still on their way here.</param>
    /// <returns>How many more attempts can run now.</returns>
    int Reserve(int executing) => Concurrency is { } most ? most - executing : int.MaxValue;

    /// <summary>Gives back what a claim has kept and not filled.</summary>
    /// <param name="executing">As with <see cref="Reserve"/>.</param>
    /// <param name="wants">Whether there may be more to claim: else nothing is waited for any longer.</param>
    void Settle(int executing, bool wants)
    {
    }

    /// <summary>Somebody has pushed or released jobs just now: what shares devices need not wait to be told.</summary>
    void Wanted()
    {
    }

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
