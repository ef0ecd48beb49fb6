namespace Gristmill.Store;

/// <summary>What is claimed from a list, and within which bounds.</summary>
public sealed record ClaimRequest
{
    /// <summary>The foreign list.</summary>
    public required string List { get; init; }

    /// <summary>The end that is taken: the tail instead of the head, for producers that LPUSH.</summary>
    public bool FromTail { get; init; }

    /// <summary>The generation that takes the items.</summary>
    public required string Generation { get; init; }

    /// <summary>The counter of the fencing token: never used before by this generation.</summary>
    public required long Counter { get; init; }

    /// <summary>At most this many items.</summary>
    public required int MaxItems { get; init; }

    /// <summary>Stops behind the item with which this many bytes are reached.</summary>
    public int MaxBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Larger items become dead letters, in bytes.</summary>
    public int MaxPayload { get; init; } = 1024 * 1024;

    /// <summary>With this many dead letters nothing is claimed.</summary>
    public int DeadLimit { get; init; } = 100_000;

    /// <summary>With this many jobs that wait for their time, for other jobs or for another attempt nothing is claimed.</summary>
    public int WaitingLimit { get; init; } = 100_000;

    /// <summary>Running jobs of the queue in the cluster; 0 for no limit.</summary>
    public int Limit { get; init; }

    /// <summary>Ready jobs of the queue; 0 for no limit.</summary>
    public int Window { get; init; }

    /// <summary>The priority that the list gives its jobs, 0 to 9.</summary>
    public int Priority { get; init; } = JobHeader.NormalPriority;

    /// <summary>Whether the items start at once, or are only taken in to be admitted.</summary>
    public bool Start { get; init; } = true;
}

/// <summary>An item that was claimed.</summary>
/// <param name="Seq">The number that the store gave it.</param>
/// <param name="Payload">The bytes as pushed.</param>
public readonly record struct ClaimedItem(long Seq, ReadOnlyMemory<byte> Payload);

/// <summary>What a claim brought.</summary>
/// <param name="Status">Ok, or why nothing was taken.</param>
/// <param name="Epoch">The epoch of the queue's keys: another one than before means that they were flushed.</param>
/// <param name="Now">The store's clock, Unix ms; 0 when nothing was looked at.</param>
/// <param name="Left">Items still in the list.</param>
/// <param name="Aside">Items that were too large and are dead letters now.</param>
/// <param name="Items">The items, in order.</param>
public sealed record ClaimReply(StoreStatus Status, string Epoch, long Now, long Left, int Aside, IReadOnlyList<ClaimedItem> Items);

/// <summary>A job that was started from the ready set.</summary>
/// <param name="Seq">Its number.</param>
/// <param name="Record">Its record, unparsed.</param>
public readonly record struct StartedJob(long Seq, ReadOnlyMemory<byte> Record);

/// <summary>What a start brought.</summary>
/// <param name="Status">Ok, or why nothing was started.</param>
/// <param name="Epoch">The epoch of the queue's keys.</param>
/// <param name="Now">The store's clock, Unix ms.</param>
/// <param name="Ready">Jobs that stay ready.</param>
/// <param name="NextDue">When the next waiting job is due, Unix ms; null for none.</param>
/// <param name="Jobs">The jobs, first ones first.</param>
public sealed record StartReply(StoreStatus Status, string Epoch, long Now, long Ready, long? NextDue, IReadOnlyList<StartedJob> Jobs);

/// <summary>What the silo found on reading a claimed job.</summary>
/// <param name="Seq">Its number.</param>
/// <param name="Counter">The counter under which it is held.</param>
/// <param name="Keep">Whether it goes on running; otherwise it gets its place among the admitted.</param>
/// <param name="Header">The header with what the payload says.</param>
/// <param name="Fingerprint">Of the payload; needed with an explicit id.</param>
public sealed record Admission(long Seq, long Counter, bool Keep, JobHeader Header, string Fingerprint);

/// <summary>What became of an admission.</summary>
public enum AdmitVerdict
{
    /// <summary>It was admitted.</summary>
    Admitted = 0,

    /// <summary>The same job was there already; this one is gone and was counted.</summary>
    Duplicate = 1,

    /// <summary>The id belongs to a job with another payload; the job is still held.</summary>
    Conflict = 2,

    /// <summary>The id was cancelled before the job came; the job is still held.</summary>
    Cancelled = 3,

    /// <summary>The job is not held any more.</summary>
    Lost = 4,
}

/// <summary>A result to be recorded.</summary>
/// <param name="Seq">The job.</param>
/// <param name="Counter">The counter under which it is held.</param>
/// <param name="Header">The final header.</param>
/// <param name="Result">JSON; may be empty.</param>
public readonly record struct Completion(long Seq, long Counter, JobHeader Header, ReadOnlyMemory<byte> Result);

/// <summary>How an attempt ended that brought no result.</summary>
public enum Settlement
{
    /// <summary>It is tried again later.</summary>
    Retry,

    /// <summary>It becomes a dead letter.</summary>
    Bury,

    /// <summary>It is cancelled.</summary>
    Cancel,

    /// <summary>It goes back to the head of the ready set, uncharged.</summary>
    Release,
}

/// <summary>The end of an attempt without a result.</summary>
/// <param name="Seq">The job.</param>
/// <param name="Counter">The counter under which it is held.</param>
/// <param name="Settlement">What comes next.</param>
/// <param name="Delay">With Retry: how long it waits, ms.</param>
/// <param name="Header">The new header; null leaves it as it is.</param>
public readonly record struct Settled(long Seq, long Counter, Settlement Settlement, long Delay, JobHeader? Header);

/// <summary>A message for a foreign list, sent after the step that it belongs to.</summary>
/// <param name="List">The list.</param>
/// <param name="Message">What is pushed.</param>
/// <param name="Seq">The job that it belongs to: sent only if that job's step is not refused; 0 when it belongs to none.</param>
public readonly record struct OutboxMessage(string List, ReadOnlyMemory<byte> Message, long Seq = 0);

/// <summary>What became of results and settlements.</summary>
/// <param name="Status">Ok.</param>
/// <param name="Epoch">The epoch of the queue's keys.</param>
/// <param name="Kept">Records of finished jobs in the store.</param>
/// <param name="Refused">Jobs whose lease was lost: another one moves them on.</param>
/// <param name="Cancelled">Jobs that were cancelled instead of tried again or given back, since somebody asked for it.</param>
public sealed record FinishReply(StoreStatus Status, string Epoch, long Kept, IReadOnlyList<long> Refused, IReadOnlyList<long> Cancelled);

/// <summary>What the store knows of a generation when it renews.</summary>
/// <param name="Status">Ok, or NoLease when it was reaped.</param>
/// <param name="Epoch">The epoch of the queue's keys.</param>
/// <param name="State">Whether the queue is paused or draining.</param>
/// <param name="Held">The jobs that it holds, with their counters.</param>
/// <param name="Cancels">Those among them that somebody wants cancelled, with the reason.</param>
public sealed record RenewReply(StoreStatus Status, string Epoch, QueueMode State, IReadOnlyDictionary<long, long> Held, IReadOnlyDictionary<long, string> Cancels);

/// <summary>What a tick of the reaper did.</summary>
/// <param name="What">skipped (another silo was there just now), first (there was none before), gap (all leases were extended), or tick.</param>
/// <param name="Generations">With first and gap, those whose lease was extended; with tick, those whose lease had expired.</param>
/// <param name="Recovered">Jobs given back to the ready set.</param>
/// <param name="Dead">Jobs that had lost their silo too often, and those that depended on them.</param>
/// <param name="Cancelled">Jobs that were to be cancelled.</param>
public sealed record ReapReply(string What, IReadOnlyList<string> Generations, int Recovered, int Dead, int Cancelled = 0);

/// <summary>Whether a queue takes and starts jobs.</summary>
public enum QueueMode
{
    /// <summary>It does both.</summary>
    Open,

    /// <summary>It does neither.</summary>
    Paused,

    /// <summary>It starts what is admitted, and takes nothing new.</summary>
    Draining,
}

/// <summary>A job handed over by a client.</summary>
/// <param name="Header">What it asks for; the store sets the time.</param>
/// <param name="Fingerprint">Of the payload; needed with an explicit id.</param>
/// <param name="Payload">The payload.</param>
public sealed record NewJob(JobHeader Header, string Fingerprint, ReadOnlyMemory<byte> Payload);

/// <summary>What became of jobs handed over.</summary>
/// <param name="Status">Ok; NoRoom or WaitingFull when a bound left no room: then nothing was written.</param>
/// <param name="Epoch">The epoch of the queue's keys.</param>
/// <param name="Results">One for each job, in order; empty when the status is not Ok.</param>
/// <param name="Now">When they were enqueued, Unix ms by the store's clock; 0 when the status is not Ok.</param>
public sealed record EnqueueReply(StoreStatus Status, string Epoch, IReadOnlyList<EnqueueResult> Results, long Now = 0);

/// <summary>What became of a job handed over.</summary>
/// <param name="Verdict">Admitted, Duplicate, Conflict or Cancelled.</param>
/// <param name="Seq">The number of the job that has the id now.</param>
public readonly record struct EnqueueResult(AdmitVerdict Verdict, long Seq);
