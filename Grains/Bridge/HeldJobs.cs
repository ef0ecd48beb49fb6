using Gristmill.Grains.Jobs;

namespace Gristmill.Grains.Bridge;

/// <summary>
/// The jobs that a bridge holds: from the reply of its claim or start until the store has acknowledged its outcome. Used
/// in the bridge's turns only, but for <see cref="Executing"/>.
/// </summary>
internal sealed class HeldJobs
{
    private readonly Dictionary<long, JobRun> _runs = [];
    private int _executing;

    /// <summary>Handlers that run now.</summary>
    public int Executing => Volatile.Read(ref _executing);

    public int Count => _runs.Count;

    public IReadOnlyCollection<JobRun> All => _runs.Values;

    public void Add(JobRun run) => _runs[run.Seq] = run;

    public bool Contains(long seq) => _runs.ContainsKey(seq);

    public JobRun? Find(long seq) => _runs.GetValueOrDefault(seq);

    /// <summary>Removes the run, not another one that has the number by now.</summary>
    public void Remove(JobRun run)
    {
        if (_runs.TryGetValue(run.Seq, out var held) && ReferenceEquals(held, run)) _runs.Remove(run.Seq);
    }

    public void Launched() => Interlocked.Increment(ref _executing);

    /// <summary>Called from any thread.</summary>
    public void Returned() => Interlocked.Decrement(ref _executing);
}
