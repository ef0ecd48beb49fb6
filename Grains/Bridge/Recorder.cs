using System.Collections.Concurrent;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Silo;
using Gristmill.Grains.Telemetry;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>
/// Records outcomes: takes what handlers have left, decides by the policy what comes next, and tells the store in batches,
/// one at a time, so that a slow store makes the batches larger. Nothing is forgotten while the store cannot be reached;
/// what it refuses belongs to another silo by now.
/// </summary>
internal sealed class Recorder(QueueRuntime queue, SiloIdentity silo, HeldJobs held, StoreClock storeClock, TimeProvider clock, Random random, ILogger log)
{
    private const int MaxBatch = 256;
    private const int MaxBatchBytes = 4 * 1024 * 1024;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LastPause = TimeSpan.FromSeconds(2);

    private readonly ConcurrentQueue<JobRun> _ended = new();
    private readonly Signal _signal = new();

    /// <summary>Records of finished jobs in the store, as last heard.</summary>
    public long Kept { get; private set; }

    /// <summary>What keeps outcomes from being recorded, for people; null when nothing does.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Called with what waits for foreign lists once it is in the outbox.</summary>
    public required Action OutboxFilled { get; init; }

    /// <summary>Called when a batch is recorded.</summary>
    public required Action<RecordedBatch> Recorded { get; init; }

    /// <summary>Takes a job that has ended. From any thread.</summary>
    public void Add(JobRun run)
    {
        _ended.Enqueue(run);
        _signal.Set();
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var batch = new RecordBatch(queue, silo, storeClock, random);
        try
        {
            while (true)
            {
                await _signal.WaitAsync(cancellationToken);
                while (Fill(batch))
                {
                    await RecordAsync(batch, cancellationToken);
                    Close(batch);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The bridge ends.
        }
    }

    // One batch is of one generation: after a loss of the lease the old one's outcomes are refused as a whole.
    private bool Fill(RecordBatch batch)
    {
        batch.Clear();
        while (batch.Count < MaxBatch && batch.Bytes < MaxBatchBytes && _ended.TryPeek(out var next))
        {
            if (batch.Count > 0 && batch.Generation != next.Generation) break;
            _ended.TryDequeue(out var run);
            if (run!.Lost) log.LateResult(queue.Name, run.Id, run.Attempt, run.Result?.GetType().Name ?? "nothing");
            else batch.Add(run);
        }

        return batch.Count > 0;
    }

    private async Task RecordAsync(RecordBatch batch, CancellationToken cancellationToken)
    {
        var pause = FirstPause;
        while (true)
        {
            try
            {
                // Both are under way at once: one round trip.
                var completing = batch.Completions.Count > 0
                    ? queue.Store.CompleteAsync(batch.Generation, batch.Completions, batch.CompletedOutbox, cancellationToken).AsTask()
                    : null;
                var settling = batch.Settled.Count > 0
                    ? queue.Store.SettleAsync(batch.Generation, batch.Settled, cancellationToken).AsTask()
                    : null;
                await Task.WhenAll(completing ?? Task.CompletedTask, settling ?? Task.CompletedTask);
                if (completing is not null) Note(await completing, batch);
                if (settling is not null) Note(await settling, batch);
                if (Trouble is not null) log.RecordedAgain(queue.Name);
                Trouble = null;
                return;
            }
            catch (Exception error) when (error is RedisException or WrongTypeException)
            {
                if (Trouble is null) log.RecordFailed(queue.Name, batch.Count, RedisAdvice.Explain(error));
                Trouble = RedisAdvice.Explain(error);
                await Task.Delay(pause, clock, cancellationToken);
                pause = pause * 2 < LastPause ? pause * 2 : LastPause;
            }
        }
    }

    private void Note(FinishReply reply, RecordBatch batch)
    {
        Kept = reply.Kept;
        foreach (var seq in reply.Cancelled) batch.CancelledInstead(seq);
        foreach (var seq in reply.Refused)
        {
            if (batch.Find(seq) is not { } run) continue;
            log.RefusedResult(queue.Name, run.Id, run.Attempt);
            if (run.Lost) continue;
            run.Lost = true;
            GristmillTelemetry.LeasesLost.Add(1, GristmillTelemetry.Queue(queue.Name));
        }
    }

    private void Close(RecordBatch batch)
    {
        foreach (var run in batch.Runs) held.Remove(run);
        var tally = batch.Measure(clock, log);
        var mirrored = tally.Dead > 0 && queue.Options.DeadLetterList is not null;
        if (mirrored || batch.CompletedOutbox.Count > 0) OutboxFilled();
        Recorded(tally);
    }
}
