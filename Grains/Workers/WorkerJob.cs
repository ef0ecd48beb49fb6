using Gristmill.Grains.Handlers;

namespace Gristmill.Grains.Workers;

/// <summary>A job on a worker. Its id is the pool's, new for each run: a late answer to an earlier attempt fits no other.</summary>
internal sealed class WorkerJob(long id, JobAttempt attempt, IProgressSink progress)
{
    private readonly TaskCompletionSource<AttemptResult> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long Id => id;

    public JobAttempt Attempt => attempt;

    public IProgressSink Progress => progress;

    public bool CancelRequested { get; set; }

    public Task<AttemptResult> Outcome => _outcome.Task;

    public void End(AttemptResult outcome) => _outcome.TrySetResult(outcome);
}

/// <summary>What a slot hears from its process.</summary>
internal interface IWorkerOwner
{
    void OnReady(WorkerProcess worker);

    void OnIdle(WorkerProcess worker);
}

/// <summary>What is left to say of a process that ended.</summary>
internal sealed record WorkerObituary(bool WasOrderly, bool WasReady, string Why, int JobsDone = 0);
