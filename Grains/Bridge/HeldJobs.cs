using Gristmill.Grains.Jobs;
using Gristmill.Grains.Silo;

namespace Gristmill.Grains.Bridge;

/// <summary>
/// The jobs that a bridge holds: from the reply of its claim or start until the store has acknowledged its outcome. Used
/// in the bridge's turns only, but for <see cref="Executing"/>.
/// </summary>
internal sealed class HeldJobs(QueueRuntime queue)
{
    private readonly Dictionary<long, JobRun> _runs = [];

    /// <summary>Handlers that run now, also those whose job is not held any more: they keep their slot until they return.</summary>
    public int Executing => queue.Executing;

    /// <summary>Called with each job that a grain answers for, once it is not held any more.</summary>
    public required Action<JobRun> Detached { get; init; }

    public int Count => _runs.Count;

    public IReadOnlyCollection<JobRun> All => _runs.Values;

    public void Add(JobRun run) => _runs[run.Seq] = run;

    public bool Contains(long seq) => _runs.ContainsKey(seq);

    public JobRun? Find(long seq) => _runs.GetValueOrDefault(seq);

    /// <summary>Removes the run, not another one that has the number by now.</summary>
    public void Remove(JobRun run)
    {
        if (_runs.TryGetValue(run.Seq, out var held) && ReferenceEquals(held, run)) _runs.Remove(run.Seq);
        if (!run.Attached) return;
        run.Attached = false;
        Detached(run);
    }

    public void Launched() => queue.Launched();

    /// <summary>Called from any thread.</summary>
    public void Returned() => queue.Returned();
}
