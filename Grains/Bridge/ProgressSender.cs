using System.Collections.Concurrent;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>Passes on what handlers report of their progress: the newest of each job, in batches, not too often.</summary>
internal sealed class ProgressSender(QueueRuntime queue, TimeProvider clock, ILogger log)
{
    private const int MaxBatch = 200;
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentQueue<JobRun> _progressed = new();
    private long _sentAt;
    private bool _sending;

    /// <summary>The job has something to report. From any thread; once until it is taken.</summary>
    public void Add(JobRun run) => _progressed.Enqueue(run);

    /// <summary>Sends what there is, if it is time. Called often.</summary>
    public async Task SendAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetTimestamp();
        if (_sending || clock.GetElapsedTime(_sentAt, now) < Period) return;
        _sending = true;
        _sentAt = now;
        try
        {
            foreach (var group in Take().GroupBy(p => p.Run.Generation))
            {
                await queue.Store.ProgressAsync(group.Key, [.. group.Select(p => (p.Run.Seq, p.Run.Counter, p.Progress))], cancellationToken);
            }
        }
        catch (Exception error) when (error is RedisException or WrongTypeException or OperationCanceledException)
        {
            // Progress is for people; the next report says more.
            log.ProgressFailed(queue.Name, error.Message);
        }
        finally
        {
            _sending = false;
        }
    }

    private List<(JobRun Run, JobProgress Progress)> Take()
    {
        var reports = new List<(JobRun, JobProgress)>();
        while (reports.Count < MaxBatch && _progressed.TryDequeue(out var run))
        {
            if (run.TakeProgress() is { } progress && !run.Finishing && run.Result is null) reports.Add((run, progress));
        }

        return reports;
    }
}
