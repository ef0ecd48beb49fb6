using System.Text;

namespace Gristmill.Store.Payloads;

/// <summary>
/// Which members of a payload say what: their names can be mapped per queue, since producers have their own words.
/// </summary>
public sealed record PayloadFields
{
    /// <summary>The id that makes pushing the same job twice harmless. Default job_id.</summary>
    public string JobId { get; init; } = "job_id";

    /// <summary>The session that the job belongs to. Default session_id.</summary>
    public string SessionId { get; init; } = "session_id";

    /// <summary>When the producer queued it. Default queued_at.</summary>
    public string QueuedAt { get; init; } = "queued_at";

    /// <summary>"high", "normal", "low" or 0 (first) to 9. Default priority.</summary>
    public string Priority { get; init; } = "priority";

    /// <summary>Seconds for one attempt. Default timeout.</summary>
    public string Timeout { get; init; } = "timeout";

    /// <summary>Retries after the first attempt. Default retry_count.</summary>
    public string RetryCount { get; init; } = "retry_count";

    /// <summary>Seconds, the base of the backoff. Default retry_delay.</summary>
    public string RetryDelay { get; init; } = "retry_delay";

    /// <summary>Not before this time: ISO 8601 or Unix seconds. Default run_at.</summary>
    public string RunAt { get; init; } = "run_at";

    /// <summary>Ids of jobs of the same queue that must complete first. Default depends_on.</summary>
    public string DependsOn { get; init; } = "depends_on";

    /// <summary>The list that gets the result. Default reply_to.</summary>
    public string ReplyTo { get; init; } = "reply_to";

    /// <summary>W3C trace context. Default traceparent.</summary>
    public string TraceParent { get; init; } = "traceparent";

    /// <summary>W3C trace state. Default tracestate.</summary>
    public string TraceState { get; init; } = "tracestate";

    /// <summary>The job's place in its session's order. Read only where the queue has sessions: sequence then, unless named.</summary>
    public string? Sequence { get; init; }

    /// <summary>How many jobs the session has. Read only where the queue has sessions: session_total then, unless named.</summary>
    public string? SessionTotal { get; init; }

    /// <summary>True for the last job of the session. Read only where the queue has sessions: session_end then, unless named.</summary>
    public string? SessionEnd { get; init; }

    /// <summary>These names, with those of sessions.</summary>
    public PayloadFields WithSessions() => this with
    {
        Sequence = Sequence ?? "sequence",
        SessionTotal = SessionTotal ?? "session_total",
        SessionEnd = SessionEnd ?? "session_end",
        _names = null,
    };

    /// <summary>The names as they are spelled by default.</summary>
    public static PayloadFields Default { get; } = new();

    // JSON can say null where the record cannot.
    internal bool AreNamed => !new[] { JobId, SessionId, QueuedAt, Priority, Timeout, RetryCount, RetryDelay, RunAt, DependsOn, ReplyTo, TraceParent, TraceState }.Contains(null);

    internal byte[][] Names => _names ??=
    [
        .. new[] { JobId, SessionId, QueuedAt, Priority, Timeout, RetryCount, RetryDelay, RunAt, DependsOn, ReplyTo, TraceParent, TraceState, Sequence, SessionTotal, SessionEnd }
            .Select(n => n is null ? None : Encoding.UTF8.GetBytes(n)),
    ];

    // No member has this name: it is no UTF-8.
    private static readonly byte[] None = [0xFF];

    private byte[][]? _names;
}

/// <summary>The members in the order of <see cref="PayloadFields.Names"/>.</summary>
internal enum PayloadField
{
    JobId,
    SessionId,
    QueuedAt,
    Priority,
    Timeout,
    RetryCount,
    RetryDelay,
    RunAt,
    DependsOn,
    ReplyTo,
    TraceParent,
    TraceState,
    Sequence,
    SessionTotal,
    SessionEnd,
}
