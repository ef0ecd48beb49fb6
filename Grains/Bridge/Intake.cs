using System.Text.Json;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Silo;
using Gristmill.Grains.Telemetry;
using Gristmill.Redis;
using Gristmill.Store;
using Gristmill.Store.Payloads;
using Gristmill.Store.Sessions;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>
/// What happens to jobs between the reply that brought them and their handler: the payload is read, what cannot be a job
/// goes to the recorder as a dead letter, what has an id or is not to run yet is admitted, the rest is launched at once.
/// </summary>
internal sealed class Intake(QueueRuntime queue, HeldJobs held, StoreClock storeClock, IRunOwner owner, Action<JobRun> fault, TimeProvider clock, ILogger log)
{
    private const int MaxAdmissions = 256;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>What keeps jobs from being admitted, for people; null when nothing does.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Whether a payload has asked for a priority, so that items are admitted ahead of their start.</summary>
    public bool OrdersByPriority { get; private set; }

    /// <summary>Whether items are admitted ahead of their start: where priorities or sessions order them.</summary>
    public bool AdmitsAhead => OrdersByPriority || queue.Sessions is not null;

    /// <summary>Takes what a claim brought.</summary>
    /// <returns>How many of the items can be jobs.</returns>
    public async Task<int> TakeAsync(ClaimReply reply, int listPriority, string generation, long counter, bool start, CancellationToken cancellationToken)
    {
        var admissions = new List<(JobRun Run, Admission Admission)>();
        var good = 0;
        foreach (var item in reply.Items)
        {
            var header = new JobHeader { Raw = true, EnqueuedAt = reply.Now, Priority = listPriority };
            var run = Read(item.Seq, counter, generation, header, item.Payload, reply.Epoch, reply.Now);
            if (run is null) continue;
            good++;
            if (header.Priority != listPriority && !OrdersByPriority)
            {
                OrdersByPriority = true;
                log.OrdersByPriority(queue.Name, queue.Options.Window);
            }

            Sort(run, keep: start, reply.Items.Count == 1, reply.Epoch, admissions);
        }

        await AdmitAsync(generation, reply.Epoch, admissions, cancellationToken);
        return good;
    }

    /// <summary>Takes what a start brought.</summary>
    public async Task TakeAsync(StartReply reply, string generation, long counter, CancellationToken cancellationToken)
    {
        var admissions = new List<(JobRun Run, Admission Admission)>();
        foreach (var started in reply.Jobs)
        {
            JobRecord record;
            JobRun run;
            PayloadFault? wrong = null;
            try
            {
                record = JobRecord.Parse(started.Seq, started.Record);
                if (!record.Header.Raw) wrong = WrongReplyTo(record.Header);
            }
            catch (Exception error)
            {
                run = Create(started.Seq, counter, generation, new JobHeader { EnqueuedAt = reply.Now }, default, reply.Epoch, reply.Now);
                Refuse(run, error is JsonException ? new PayloadFault("corrupt", $"The record's header cannot be read: {error.Message}") : Unreadable(run.Seq, error, "corrupt", "record"), reply.Epoch);
                continue;
            }

            if (record.Header.Raw)
            {
                if (Read(started.Seq, counter, generation, record.Header, record.Payload, reply.Epoch, reply.Now) is { } read) Sort(read, keep: true, reply.Jobs.Count == 1, reply.Epoch, admissions);
                continue;
            }

            run = Create(started.Seq, counter, generation, record.Header, record.Payload, reply.Epoch, reply.Now);
            if (wrong is null) Launch(run, reply.Jobs.Count == 1);
            else RefuseRead(run, wrong);
        }

        await AdmitAsync(generation, reply.Epoch, admissions, cancellationToken);
    }

    // The payload of an unread job; null when it cannot be one.
    private JobRun? Read(long seq, long counter, string generation, JobHeader header, ReadOnlyMemory<byte> payload, string epoch, long now)
    {
        header.GivenId = null;
        PayloadFault? wrong;
        try
        {
            wrong = PayloadReader.Read(payload.Span, queue.Fields, queue.Options.AllowOpaque, header, queue.Options.Dialect);
            wrong ??= WrongReplyTo(header) ?? MissingSequence(header);
        }
        catch (Exception error)
        {
            wrong = Unreadable(seq, error, "malformed", "payload");
        }

        header.Raw = false;
        var run = Create(seq, counter, generation, header, payload, epoch, now);
        if (wrong is null) return run;
        Refuse(run, wrong, epoch);
        return null;
    }

    // Nobody has thought of it. One item must not end the loop, and with it all that runs: the next bridge would take it again.
    private PayloadFault Unreadable(long seq, Exception error, string reason, string what)
    {
        log.Unreadable(queue.Name, seq, error);
        return new PayloadFault(reason, $"The {what} could not be read: {error.GetType().Name}: {error.Message}");
    }

    // Clients write records themselves, so this is looked at for theirs too.
    private PayloadFault? WrongReplyTo(JobHeader header)
    {
        return header.ReplyTo is { } list && queue.ForeignLists.WhyNot(list) is { } why ? new PayloadFault("invalid_field", why) : null;
    }

    private PayloadFault? MissingSequence(JobHeader header) =>
        queue.Sessions is { Order: SessionOrder.Sequence } && header.SessionId is not null && header.Sequence is null
            ? new PayloadFault("invalid_field", $"The field '{queue.Fields.Sequence}' is missing; the jobs of a session are ordered by it, a whole number from 0 to {SessionPolicy.MaxSequence}.")
            : null;

    private JobRun Create(long seq, long counter, string generation, JobHeader header, ReadOnlyMemory<byte> payload, string epoch, long now)
    {
        var run = new JobRun(owner, seq, counter, generation, header, payload, header.Attempts + 1, header.Id ?? JobRecord.OwnId(epoch, seq))
        {
            StartedAt = now,
            Limit = (long)(queue.Policy.TimeoutOf(header).TotalSeconds * clock.TimestampFrequency),
        };
        held.Add(run);
        return run;
    }

    private void Refuse(JobRun run, PayloadFault wrong, string epoch)
    {
        run.Refuse(wrong, JobRecord.OwnId(epoch, run.Seq));
        log.Refused(queue.Name, run.Id, wrong.Reason, PlainText.OneLine(wrong.Message));
        fault(run);
    }

    private void RefuseRead(JobRun run, PayloadFault wrong)
    {
        run.Refuse(wrong);
        log.Refused(queue.Name, run.Id, wrong.Reason, PlainText.OneLine(wrong.Message));
        fault(run);
    }

    private void Sort(JobRun run, bool keep, bool alone, string epoch, List<(JobRun Run, Admission Admission)> admissions)
    {
        var header = run.Header;
        var stays = keep && header.Due <= storeClock.Now && header.DependsOn.Count == 0 && (queue.Sessions is null || header.SessionId is null);
        // Where there are sessions the store waits for what was taken in to be read.
        if (stays && header.Id is null && queue.Sessions is null)
        {
            Launch(run, alone);
            return;
        }

        string fingerprint;
        try
        {
            fingerprint = header.Id is null ? string.Empty : Fingerprint.Of(run.Payload.Span, queue.Fields, queue.Options.Dialect);
        }
        catch (Exception error)
        {
            Refuse(run, Unreadable(run.Seq, error, "malformed", "payload"), epoch);
            return;
        }

        admissions.Add((run, new Admission(run.Seq, run.Counter, stays, header, fingerprint)));
    }

    // A job that came alone is left to the thread of this turn, which is free in a moment, while another would have to wake up
    // for it (one that is awake takes it sooner). Of many, a thread's own queue would start the last first.
    private void Launch(JobRun run, bool alone)
    {
        if (run.Header.Expires > 0 && run.Header.Expires <= storeClock.Now)
        {
            run.CancelledBeforeStart(EndCause.Expired);
            fault(run);
            return;
        }

        held.Launched();
        var enqueued = run.Header.QueuedAt > 0 ? Math.Min(run.Header.QueuedAt, run.StartedAt) : run.Header.EnqueuedAt;
        var waited = Math.Max(0, storeClock.Now - enqueued) / 1000.0;
        ThreadPool.UnsafeQueueUserWorkItem(run, preferLocal: alone);
        queue.Waits.Add(waited);
        GristmillTelemetry.Wait.Record(waited, GristmillTelemetry.Queue(queue.Name));
    }

    // Admission is safe to repeat: the store knows a job by its number.
    private async Task AdmitAsync(string generation, string epoch, List<(JobRun Run, Admission Admission)> admissions, CancellationToken cancellationToken)
    {
        foreach (var part in admissions.Chunk(MaxAdmissions))
        {
            // Until the reply it is open whether the store still says that the silo holds them.
            foreach (var (run, _) in part) run.Finishing = true;
            while (true)
            {
                try
                {
                    var verdicts = await queue.Store.AdmitAsync(generation, [.. part.Select(p => p.Admission)], queue.IdWindow, cancellationToken);
                    for (var i = 0; i < part.Length; i++) Settle(part[i].Run, part[i].Admission, part.Length == 1, verdicts[i], epoch);
                    Trouble = null;
                    break;
                }
                catch (Exception error) when (error is RedisException or WrongTypeException)
                {
                    if (Trouble is null) log.AdmitFailed(queue.Name, part.Length, error.Message);
                    Trouble = error.Message;
                    await Task.Delay(Pause, clock, cancellationToken);
                }
            }
        }
    }

    private void Settle(JobRun run, Admission admission, bool alone, AdmitVerdict verdict, string epoch)
    {
        run.Finishing = false;
        switch (verdict)
        {
            case AdmitVerdict.Admitted when admission.Keep && !run.Lost:
                Launch(run, alone);
                break;
            case AdmitVerdict.Conflict:
                Refuse(run, new PayloadFault("id_conflict", $"The id '{run.Id}' belongs to a job with another payload."), epoch);
                break;
            case AdmitVerdict.Cancelled:
                run.CancelledBeforeStart(EndCause.Requested);
                fault(run);
                break;
            default:
                if (verdict == AdmitVerdict.Duplicate) log.Duplicate(queue.Name, run.Id);
                held.Remove(run);
                break;
        }
    }
}
