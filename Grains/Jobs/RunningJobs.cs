using System.Collections.Concurrent;

namespace Gristmill.Grains.Jobs;

/// <summary>The jobs of this silo that have run long enough to be asked for, by queue/id. Bounded by what bridges hold.</summary>
internal sealed class RunningJobs
{
    private readonly ConcurrentDictionary<string, JobRun> _runs = new(StringComparer.Ordinal);

    public void Add(string key, JobRun run) => _runs[key] = run;

    public void Remove(string key, JobRun run) => _runs.TryRemove(new KeyValuePair<string, JobRun>(key, run));

    public JobRun? Find(string key) => _runs.GetValueOrDefault(key);
}
