using System.Diagnostics;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Telemetry;
using Gristmill.Store;
using Gristmill.Store.Payloads;

namespace Gristmill.Grains.Jobs;

/// <summary>
/// One attempt of one job on this silo, from its start to the record of its outcome. Made by the bridge; the handler runs
/// on the thread pool; what comes back is left with the bridge, which records it in a batch with others. Only a job that
/// runs for long becomes an activation of its own (<see cref="JobGrain"/>).
/// </summary>
internal sealed class JobRun(IRunOwner owner, long seq, long counter, string generation, JobHeader header, ReadOnlyMemory<byte> payload, int attempt, string id)
    : IThreadPoolWorkItem, IProgressSink, IAttemptTimer
{
    private const int MaxProgressMessage = 256;
    private readonly CancellationTokenSource _end = new();
    private JobProgress? _progress;
    private int _progressDirty;
    private int _cause;
    private long _limitFrom;

    public long Seq => seq;

    public long Counter => counter;

    public string Generation => generation;

    public JobHeader Header => header;

    public ReadOnlyMemory<byte> Payload => payload;

    public int Attempt => attempt;

    public string Id { get; private set; } = id;

    /// <summary>When the attempt started, Unix ms by the store's clock.</summary>
    public required long StartedAt { get; init; }

    /// <summary>How long the handler may run, in units of the owner's clock.</summary>
    public required long Limit { get; init; }

    /// <summary>When the attempt is over its limit, as a timestamp of the owner's clock; known once the handler is called.</summary>
    public long Deadline => Volatile.Read(ref _limitFrom) + Limit;

    /// <summary>When the handler was called, as a timestamp of the owner's clock.</summary>
    public long CalledAt { get; private set; }

    /// <summary>When the handler returned, as a timestamp of the owner's clock.</summary>
    public long ReturnedAt { get; private set; }

    /// <summary>How it ended; null while the handler runs.</summary>
    public AttemptResult? Result { get; private set; }

    /// <summary>Why it was told to end.</summary>
    public EndCause Cause => (EndCause)Volatile.Read(ref _cause);

    /// <summary>The last report of the handler.</summary>
    public JobProgress? Progress => Volatile.Read(ref _progress);

    /// <summary>Set by the owner once a grain answers for the job.</summary>
    public bool Attached { get; set; }

    /// <summary>Set by the owner once its outcome is on its way to the store.</summary>
    public bool Finishing { get; set; }

    /// <summary>Set by the owner when the store has said that the lease is gone: whatever comes back is dropped.</summary>
    public bool Lost { get; set; }

    /// <summary>Why the payload cannot be a job; null when it can.</summary>
    public PayloadFault? Fault { get; private set; }

    /// <summary>
    /// Ends a job whose payload cannot be one, before any handler saw it. It goes by the store's own id, since the one that it
    /// brought is unread, wrong, or another job's; and it is read anew if somebody gives it another life.
    /// </summary>
    public void Refuse(PayloadFault fault, string ownId)
    {
        Id = ownId;
        header.GivenId = header.Id;
        header.Id = null;
        header.Raw = true;
        Refuse(fault);
    }

    /// <summary>Ends a job that is read and has its id, before any handler saw it.</summary>
    public void Refuse(PayloadFault fault)
    {
        Fault = fault;
        Result = AttemptResult.Failure(AttemptErrorKind.Fatal, fault.Reason, fault.Message);
    }

    /// <summary>Ends a job before any handler saw it: its id was cancelled before it came, or it came too late.</summary>
    public void CancelledBeforeStart(EndCause cause)
    {
        End(cause);
        Result = AttemptResult.Cancelled.Instance;
    }

    public void Execute() => _ = RunAsync();

    /// <summary>Tells the handler to end. The first cause stands.</summary>
    public void End(EndCause cause)
    {
        var first = Interlocked.CompareExchange(ref _cause, (int)cause, (int)EndCause.None) == (int)EndCause.None;
        if (first && Result is null)
        {
            // Callbacks of the handler must not run in the owner's turn.
            _ = _end.CancelAsync();
        }
    }

    public void Report(long done, long total, string? message)
    {
        Volatile.Write(ref _progress, new JobProgress(Math.Max(0, done), Math.Max(0, total), Shorten(message)));
        if (Interlocked.Exchange(ref _progressDirty, 1) == 0) owner.Progressed(this);
    }

    /// <summary>Takes the newest report for sending; null when there is none since the last time.</summary>
    public JobProgress? TakeProgress() => Interlocked.Exchange(ref _progressDirty, 0) == 1 ? Progress : null;

    // Far from now, and far from where adding the limit would overflow.
    public void Hold() => Volatile.Write(ref _limitFrom, long.MaxValue / 2);

    public void Begin() => Volatile.Write(ref _limitFrom, owner.Clock.GetTimestamp());

    private static string? Shorten(string? message) => message is null ? null : BoundedText.Head(message, MaxProgressMessage);

    private async Task RunAsync()
    {
        Begin();
        CalledAt = owner.Clock.GetTimestamp();
        AttemptResult result;
        try
        {
            result = await CallAsync().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // Runners do not throw; what listens to activities may. Whatever it is, the slot must come free.
            result = AttemptResult.Failure(AttemptErrorKind.Retry, error.GetType().FullName ?? error.GetType().Name, error.Message, error.ToString());
        }

        ReturnedAt = owner.Clock.GetTimestamp();
        Result = result;
        owner.Ended(this);
    }

    private async ValueTask<AttemptResult> CallAsync()
    {
        using var activity = GristmillTelemetry.StartProcess(owner.Queue, header, Id, attempt);
        var input = new JobAttempt
        {
            Queue = owner.Queue,
            JobId = Id,
            SessionId = header.SessionId,
            Attempt = attempt,
            MaxAttempts = owner.MaxAttempts(header),
            EnqueuedAt = DateTimeOffset.FromUnixTimeMilliseconds(header.QueuedAt > 0 ? header.QueuedAt : header.EnqueuedAt),
            FencingToken = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{generation}-{counter}"),
            TraceParent = activity?.Id ?? header.TraceParent,
            Payload = payload,
            AfterOutOfMemory = header.OutOfMemory > 0,
            Timer = this,
        };
        var result = await owner.Runner.RunAsync(input, this, _end.Token).ConfigureAwait(false);
        if (activity is not null && result is AttemptResult.Failed failed)
        {
            activity.SetStatus(ActivityStatusCode.Error, failed.Error.Message);
            activity.SetTag("error.type", failed.Error.Type);
        }

        return result;
    }
}

/// <summary>What a running attempt needs of the bridge that started it. Called from any thread.</summary>
internal interface IRunOwner
{
    string Queue { get; }

    TimeProvider Clock { get; }

    IJobRunner Runner { get; }

    int MaxAttempts(JobHeader header);

    void Progressed(JobRun run);

    void Ended(JobRun run);
}
