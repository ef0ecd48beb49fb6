using Gristmill.Grains.Handlers;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Silo;
using Gristmill.Grains.Telemetry;
using Gristmill.Store;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>One batch of outcomes: decided once, sent as often as it takes.</summary>
internal sealed class RecordBatch(QueueRuntime queue, SiloIdentity silo, StoreClock storeClock, Random random)
{
    private readonly List<(JobRun Run, Verdict Verdict)> _rows = [];

    public List<Completion> Completions { get; } = [];

    public List<Settled> Settled { get; } = [];

    public List<OutboxMessage> CompletedOutbox { get; } = [];

    public IEnumerable<JobRun> Runs => _rows.Select(r => r.Run);

    public int Count => _rows.Count;

    public long Bytes { get; private set; }

    public string Generation => _rows[0].Run.Generation;

    public JobRun? Find(long seq) => _rows.Find(r => r.Run.Seq == seq).Run;

    public void Clear()
    {
        _rows.Clear();
        Completions.Clear();
        Settled.Clear();
        CompletedOutbox.Clear();
        Bytes = 0;
    }

    /// <summary>Decides what comes after the attempt and adds it.</summary>
    public void Add(JobRun run)
    {
        run.Finishing = true;
        var header = run.Header;
        var now = storeClock.Now;
        var verdict = run.Fault is { } fault
            ? Fault(header, fault, now)
            : queue.Policy.Decide(header, run.Attempt, run.Result!, run.Cause, now, random.NextDouble());
        _rows.Add((run, verdict));
        header.StartedAt = run.StartedAt;
        header.Silo = silo.Name;
        header.Progress = run.Progress;
        if (verdict.Completed) Complete(run, header, now);
        else Settle(run, header, verdict, now);
    }

    /// <summary>The store has cancelled a job instead of what was decided, since somebody asked for it meanwhile.</summary>
    public void CancelledInstead(long seq)
    {
        var at = _rows.FindIndex(r => r.Run.Seq == seq);
        if (at >= 0) _rows[at] = _rows[at] with { Verdict = new Verdict(false, Settlement.Cancel, 0, null) };
    }

    /// <summary>Counts what was recorded.</summary>
    public RecordedBatch Measure(TimeProvider clock, ILogger log)
    {
        var tag = GristmillTelemetry.Queue(queue.Name);
        int completed = 0, dead = 0, cancelled = 0, retried = 0;
        long? soonest = null;
        foreach (var (run, verdict) in _rows)
        {
            if (run.CalledAt > 0) GristmillTelemetry.ProcessDuration.Record(clock.GetElapsedTime(run.CalledAt, run.ReturnedAt).TotalSeconds, tag);
            if (run.Lost) continue;
            if (verdict.Completed)
            {
                completed++;
                continue;
            }

            switch (verdict.Settlement)
            {
                case Settlement.Bury:
                    dead++;
                    if (run.Fault is not null) log.BuriedUntried(queue.Name, run.Id, verdict.Reason ?? string.Empty, LastError(run));
                    else log.Buried(queue.Name, run.Id, run.Attempt, verdict.Reason ?? string.Empty, LastError(run));
                    break;
                case Settlement.Cancel:
                    cancelled++;
                    log.Cancelled(queue.Name, run.Id, run.Attempt);
                    break;
                case Settlement.Retry:
                    retried++;
                    soonest = Math.Min(soonest ?? long.MaxValue, storeClock.Now + verdict.DelayMs);
                    log.Retrying(queue.Name, run.Id, run.Attempt, verdict.DelayMs / 1000.0, LastError(run));
                    break;
            }
        }

        Tally("completed", completed, tag);
        Tally("dead", dead, tag);
        Tally("cancelled", cancelled, tag);
        if (retried > 0) GristmillTelemetry.Retries.Add(retried, tag);
        return new RecordedBatch(completed, dead, soonest);
    }

    private static void Tally(string outcome, int count, KeyValuePair<string, object?> queueTag)
    {
        if (count > 0) GristmillTelemetry.Finished.Add(count, queueTag, new KeyValuePair<string, object?>("outcome", outcome));
    }

    // For the log the first line; the record has it all.
    private static string LastError(JobRun run) => run.Header.Errors.Count > 0 ? PlainText.OneLine(run.Header.Errors[^1].Message.Split('\n', 2)[0]) : string.Empty;

    private static Verdict Fault(JobHeader header, Store.Payloads.PayloadFault fault, long now)
    {
        header.AddError(new JobError(now, 0, fault.Reason, fault.Message));
        return new Verdict(false, Settlement.Bury, 0, fault.Reason);
    }

    private void Complete(JobRun run, JobHeader header, long now)
    {
        var result = ((AttemptResult.Completed)run.Result!).ResultJson;
        header.Outcome = JobState.Completed;
        header.FinishedAt = now;
        header.PayloadLength = result.IsEmpty ? null : run.Payload.Length;
        Bytes += result.Length + 200;
        Completions.Add(new Completion(run.Seq, run.Counter, header, result));
        if (header.ReplyTo is { } list) CompletedOutbox.Add(new OutboxMessage(list, OutcomeMessages.Reply(run.Id, queue.Name, JobState.Completed, run.Attempt, header, result), run.Seq));
    }

    private void Settle(JobRun run, JobHeader header, Verdict verdict, long now)
    {
        Bytes += 500;
        if (verdict.Settlement is Settlement.Bury or Settlement.Cancel)
        {
            header.Outcome = verdict.Settlement == Settlement.Bury ? JobState.Dead : JobState.Cancelled;
            header.Reason = verdict.Reason;
            header.FinishedAt = now;
        }

        // A job that is only given back keeps its record as it is, unless a budget was charged.
        var unchanged = verdict.Settlement == Settlement.Release && header.Lost == 0;
        Settled.Add(new Settled(run.Seq, run.Counter, verdict.Settlement, verdict.DelayMs, unchanged ? null : header));
    }
}

/// <summary>What became of a batch.</summary>
/// <param name="Completed">Jobs that completed.</param>
/// <param name="Dead">Jobs that became dead letters.</param>
/// <param name="NextDue">When the first of those that are tried again is due, Unix ms by the store's clock; null for none.</param>
internal readonly record struct RecordedBatch(int Completed, int Dead, long? NextDue);
