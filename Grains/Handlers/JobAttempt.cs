namespace Gristmill.Grains.Handlers;

/// <summary>One attempt of one job, as a runner gets it. Immutable; made once per attempt by the job's grain.</summary>
public sealed record JobAttempt
{
    /// <summary>The queue's configured name.</summary>
    public required string Queue { get; init; }

    /// <summary>The job's id, unique in its queue; at most 256 bytes of UTF-8.</summary>
    public required string JobId { get; init; }

    /// <summary>The session the job belongs to, if any.</summary>
    public string? SessionId { get; init; }

    /// <summary>Which attempt this is, from 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>How many attempts the job's policy allows in all.</summary>
    public int MaxAttempts { get; init; } = 1;

    /// <summary>When the job was pushed, or admitted where the producer did not say.</summary>
    public DateTimeOffset EnqueuedAt { get; init; }

    /// <summary>The token of the lease that this attempt runs under; newer leases have newer tokens.</summary>
    public string FencingToken { get; init; } = "";

    /// <summary>The producer's W3C trace context (<c>traceparent</c>) or that of the attempt's span, if any.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The payload's bytes as pushed. They must not change while the attempt runs.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Whether an attempt before this one ran out of memory: where the queue needs a device, this one gets one to itself.</summary>
    public bool AfterOutOfMemory { get; init; }

    /// <summary>The device that a C# handler was given for it; null where its queue needs none.</summary>
    public JobGpu? Gpu { get; init; }

    /// <summary>The clock of its time limit; null where it has none.</summary>
    internal IAttemptTimer? Timer { get; init; }

    /// <summary>The same for all attempts of the job: <c>queue/jobId</c>.</summary>
    public string IdempotencyKey => string.Concat(Queue, "/", JobId);
}

/// <summary>The clock of an attempt's time limit: an attempt that has to wait for a device to itself spends none of it. From any thread.</summary>
internal interface IAttemptTimer
{
    /// <summary>The attempt waits; its time does not count.</summary>
    void Hold();

    /// <summary>The attempt begins: its time counts from now.</summary>
    void Begin();
}
