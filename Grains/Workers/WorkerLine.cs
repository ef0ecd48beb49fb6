using Gristmill.Grains.Handlers;

namespace Gristmill.Grains.Workers;

/// <summary>
/// Jobs that wait for a worker, first come first served, and how they make up batches: a batch is due when it is full, or
/// when its first job has waited for <see cref="WorkerOptions.BatchWaitSeconds"/>. Used under the pool's lock only.
/// </summary>
internal sealed class WorkerLine(WorkerOptions options, TimeProvider time)
{
    /// <summary>What a job's line takes besides its payload, about: ids, trace, tokens.</summary>
    private const int OverheadBytes = 1024;

    /// <summary>Work in line for so long hides the way to the store and back from workers whose jobs are short.</summary>
    private static readonly TimeSpan AheadTime = TimeSpan.FromMilliseconds(5);
    private const int MinAhead = 32;

    /// <summary>A worker that knows a session looks for its jobs among so many at the head of the line.</summary>
    private const int MaxLookedAt = 16;

    /// <summary>So often a job lets others go before it.</summary>
    private const int MaxPassed = 4;

    /// <summary>How much the last batch weighs in the mean time of a job.</summary>
    private const double Weight = 0.1;

    private readonly LinkedList<WorkerJob> _jobs = new();
    private double _secondsPerJob;

    /// <summary>
    /// How many jobs more than it can run a worker is worth having in line: what takes it <see cref="AheadTime"/>, at most two
    /// batches and at least room for 32. None where jobs take longer: another silo may have a free worker for them.
    /// </summary>
    public int Ahead => _secondsPerJob > 0
        ? (int)Math.Min(Math.Max(MinAhead, 2 * options.BatchSize), AheadTime.TotalSeconds / _secondsPerJob)
        : 0;

    /// <summary>How many are in line.</summary>
    public int Count => _jobs.Count;

    /// <summary>The first in line; null when there is none.</summary>
    public WorkerJob? First => _jobs.First?.Value;

    /// <summary>
    /// The first of those at the head of the line whose session is at home on an idle worker, and that worker. Where all
    /// before it are to wait for a worker then, none of them is passed over more often than <see cref="MaxPassed"/> times.
    /// </summary>
    public (WorkerJob Job, WorkerProcess Home)? ForHome(WorkerHomes<WorkerProcess> homes, IReadOnlyCollection<WorkerProcess> idle)
    {
        var looked = 0;
        foreach (var job in _jobs)
        {
            if (homes.Of(job.Attempt.SessionId) is { } home && idle.Contains(home))
            {
                return (job, home);
            }

            if (++looked == MaxLookedAt || job.Passed == MaxPassed || job.Alone)
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>Lets a job in line go before the others.</summary>
    public void PutFirst(WorkerJob job)
    {
        if (job.Place is not { Previous: not null } place)
        {
            return;
        }

        for (var before = place.Previous; before is not null; before = before.Previous)
        {
            before.Value.Passed++;
        }

        _jobs.Remove(place);
        _jobs.AddFirst(place);
    }

    /// <summary>Takes jobs from the end of the line until no more than so many are left, but none that was sent before.</summary>
    public IReadOnlyList<WorkerJob> TakeFromEnd(int left)
    {
        var taken = new List<WorkerJob>();
        for (var place = _jobs.Last; place is not null && _jobs.Count > left;)
        {
            var job = place.Value;
            place = place.Previous;
            if (!job.Alone)
            {
                Remove(job);
                taken.Add(job);
            }
        }

        return taken;
    }

    /// <summary>Adds a job: one that was in line before goes to its head.</summary>
    public void Add(WorkerJob job) => job.Place = job.Alone ? _jobs.AddFirst(job) : _jobs.AddLast(job);

    /// <summary>Takes a job out; false if it is not in line.</summary>
    public bool Remove(WorkerJob job)
    {
        if (job.Place is not { } place)
        {
            return false;
        }

        _jobs.Remove(place);
        job.Place = null;
        return true;
    }

    /// <summary>Whether there is anything for a worker that takes batches of this size.</summary>
    /// <param name="size">Jobs at once.</param>
    /// <param name="wait">How long to wait for more before they are taken; zero when it is time.</param>
    public bool IsDue(int size, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (_jobs.First?.Value is not { } first)
        {
            return false;
        }

        if (size > 1 && !first.Alone && _jobs.Count < size)
        {
            // Timers know milliseconds; one that fires too early would only be set again.
            var left = options.BatchWait - time.GetElapsedTime(first.QueuedAt);
            wait = left > TimeSpan.Zero ? TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)) : TimeSpan.Zero;
        }

        return true;
    }

    /// <summary>Takes the next batch for a worker: as many as it takes at once and fit one line, or one that must be alone.</summary>
    public IReadOnlyList<WorkerJob> Take(WorkerProcess worker)
    {
        var batch = new List<WorkerJob>();
        long bytes = 0;
        while (_jobs.First?.Value is { } job && batch.Count < worker.BatchSize)
        {
            // As base64, at the worst.
            bytes += (job.Attempt.Payload.Length * 4L / 3) + OverheadBytes;
            if (batch.Count > 0 && (job.Alone || bytes > options.MaxLineBytes))
            {
                break;
            }

            Remove(job);
            job.Worker = worker;
            batch.Add(job);
            if (job.Alone)
            {
                break;
            }
        }

        foreach (var job in batch)
        {
            job.InBatch = batch.Count > 1;
        }

        return batch;
    }

    /// <summary>A worker has done so many jobs in so long.</summary>
    public void Served(int jobs, TimeSpan took)
    {
        var seconds = took.TotalSeconds / jobs;
        _secondsPerJob = _secondsPerJob > 0 ? ((1 - Weight) * _secondsPerJob) + (Weight * seconds) : seconds;
    }

    /// <summary>Ends all that are in line.</summary>
    public void EndAll(AttemptResult outcome)
    {
        while (_jobs.First?.Value is { } job)
        {
            Remove(job);
            job.End(outcome);
        }
    }
}
