using System.Runtime.CompilerServices;
using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>
/// One watcher of one job. Reads the job, has itself told of changes, reads again (what happened in between is in that), and
/// from then on reads whenever it is told that the job changed. Progress comes with the message and needs no reading.
/// </summary>
/// <param name="context">What the queues share.</param>
/// <param name="events">What tells of changes.</param>
/// <param name="queue">The queue's name.</param>
/// <param name="id">The job.</param>
/// <param name="wants">What of the job matters.</param>
/// <param name="reads">Reads the job.</param>
internal sealed class JobWatch(ClientContext context, QueueEvents events, string queue, string id, WatchWants wants, SharedReads reads) : IAsyncDisposable
{
    private JobSignal? _signal;
    private bool _entered;

    /// <summary>The events. To be enumerated once.</summary>
    public async IAsyncEnumerable<JobEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        context.EnterWatch();
        _entered = true;
        var job = await ReadJobAsync(cancellationToken).ConfigureAwait(false);
        yield return new JobEvent(JobEventKind.State, job);
        var changed = !job.IsFinished && await ListenAsync(job, cancellationToken).ConfigureAwait(false);
        while (!job.IsFinished)
        {
            JobProgress? progress = null;
            if (!changed)
            {
                (changed, progress, var ended) = await _signal!.TakeAsync(cancellationToken).ConfigureAwait(false);
                if (ended) yield break;
            }

            var before = job;
            job = changed
                ? await ReadThroughAsync(job, cancellationToken).ConfigureAwait(false)
                : before with { Progress = progress ?? before.Progress };
            changed = job.Seq != before.Seq && await ListenAsync(job, cancellationToken).ConfigureAwait(false);
            if (Difference(before, job) is { } kind) yield return new JobEvent(kind, job);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_signal is { } signal) await events.RemoveAsync(signal).ConfigureAwait(false);
        if (_entered) context.LeaveWatch();
    }

    /// <summary>What a watcher is to be told of a job that was read anew; null for nothing.</summary>
    public static JobEventKind? Difference(Job before, Job now)
    {
        if (before.Seq != now.Seq || before.State != now.State || before.Attempt != now.Attempt || before.CancelRequested != now.CancelRequested) return JobEventKind.State;
        return before.Progress != now.Progress && now.Progress is not null ? JobEventKind.Progress : null;
    }

    // Has itself told of the job under its number of now. True: it must be read again, since it could change before this.
    private async Task<bool> ListenAsync(Job job, CancellationToken cancellationToken)
    {
        if (_signal is { } old) await events.RemoveAsync(old).ConfigureAwait(false);
        _signal = null;
        while (true)
        {
            var signal = new JobSignal(job.Seq, wants == WatchWants.Outcome);
            try
            {
                await events.AddAsync(signal, cancellationToken).ConfigureAwait(false);
                _signal = signal;
                return true;
            }
            catch (RedisException e)
            {
                context.Log.WatchInterrupted(e, queue, id);
                await Task.Delay(context.Options.RetryDelay, context.Clock, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // The job as it is; as it was while Redis is away: it is told again when the connection is back, or by the timer.
    private async Task<Job> ReadThroughAsync(Job before, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadJobAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RedisException or WrongTypeException)
        {
            context.Log.WatchInterrupted(e, queue, id);
            return before;
        }
    }

    // Who waits for the outcome keeps no payload meanwhile: those who wait are many.
    private async Task<Job> ReadJobAsync(CancellationToken cancellationToken)
    {
        var job = await reads.ReadAsync(id, wants != WatchWants.States, cancellationToken).ConfigureAwait(false) ?? throw new JobNotFoundException(queue, id);
        return wants == WatchWants.Outcome && !job.IsFinished ? job with { Payload = default } : job;
    }
}

/// <summary>What matters to a watcher.</summary>
internal enum WatchWants
{
    /// <summary>All that happens, and the whole job.</summary>
    Everything,

    /// <summary>All that happens, and the job without its payload.</summary>
    States,

    /// <summary>The outcome alone.</summary>
    Outcome,
}
