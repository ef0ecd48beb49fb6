using Gristmill.Grains.Handlers;

namespace Gristmill.Grains.Workers;

/// <summary>
/// A job in a pool's line or on a worker. Its id is the pool's, new for each time that it is sent: a late answer fits no other.
/// </summary>
/// <param name="id">The number by which the worker answers.</param>
/// <param name="attempt">What to run.</param>
/// <param name="progress">Where reports go.</param>
/// <param name="alone">Whether it must not share a batch: one with it has cost a worker.</param>
/// <param name="queuedAt">When it came into line, as a timestamp of the pool's clock.</param>
internal sealed class WorkerJob(long id, JobAttempt attempt, IProgressSink progress, bool alone, long queuedAt)
{
    private readonly TaskCompletionSource<AttemptResult> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long Id => id;

    public JobAttempt Attempt => attempt;

    public IProgressSink Progress => progress;

    public bool Alone => alone;

    public long QueuedAt => queuedAt;

    /// <summary>Whether it runs on a device of its own: an attempt of it ran out of memory.</summary>
    public bool NeedsDevice { get; init; }

    /// <summary>How often a later one went before it, to the worker that knows its session. Under the pool's lock.</summary>
    public int Passed { get; set; }

    /// <summary>Its place in line; null when it has left it. Under the pool's lock.</summary>
    public LinkedListNode<WorkerJob>? Place { get; set; }

    /// <summary>The worker that has it; null before. Under the pool's lock.</summary>
    public WorkerProcess? Worker { get; set; }

    /// <summary>Whether it was given to the worker together with others.</summary>
    public bool InBatch { get; set; }

    /// <summary>Whether its caller has given up on it.</summary>
    public bool IsUnwanted { get; set; }

    /// <summary>Whether the worker has it: a cancel before that would name a job that it does not know. Under the worker's lock.</summary>
    public bool WasSent { get; set; }

    /// <summary>Whether the worker was asked to give it up. Under the worker's lock.</summary>
    public bool CancelRequested { get; set; }

    public Task<AttemptResult> Outcome => _outcome.Task;

    public void End(AttemptResult outcome) => _outcome.TrySetResult(outcome);
}

/// <summary>What a slot hears from its process.</summary>
internal interface IWorkerOwner
{
    void OnReady(WorkerProcess worker);

    /// <param name="worker">Who says so.</param>
    /// <param name="usedMiB">The most device memory that it has used, MiB.</param>
    void OnGpuMemory(WorkerProcess worker, long usedMiB);

    /// <param name="worker">Who is free again.</param>
    /// <param name="jobs">How many jobs it had.</param>
    /// <param name="took">How long it had them.</param>
    void OnIdle(WorkerProcess worker, int jobs, TimeSpan took);
}

/// <summary>What is left to say of a process that ended.</summary>
internal sealed record WorkerObituary(bool WasOrderly, bool WasReady, string Why, int JobsDone = 0);
