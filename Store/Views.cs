namespace Gristmill.Store;

/// <summary>A job as it stands, for people and APIs.</summary>
public sealed record JobView
{
    /// <summary>The id: its explicit one, or the store's own.</summary>
    public required string Id { get; init; }

    /// <summary>The queue.</summary>
    public required string Queue { get; init; }

    /// <summary>The number in the store.</summary>
    public required long Seq { get; init; }

    /// <summary>The state.</summary>
    public required JobState State { get; init; }

    /// <summary>The attempt that runs or was the last to run; 0 before the first.</summary>
    public int Attempt { get; init; }

    /// <summary>The record's header.</summary>
    public required JobHeader Header { get; init; }

    /// <summary>The payload as pushed.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>The result, JSON; empty when there is none.</summary>
    public ReadOnlyMemory<byte> Result { get; init; }

    /// <summary>How far it is; null when the handler has not said.</summary>
    public JobProgress? Progress { get; init; }

    /// <summary>When the last attempt started.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>The silo that runs it, or ran it last.</summary>
    public string? Silo { get; init; }

    /// <summary>When it will be ready, with scheduled and retrying.</summary>
    public DateTimeOffset? Due { get; init; }

    /// <summary>Somebody asked to cancel it while it runs.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>It waits for jobs of its session.</summary>
    public bool InLine { get; init; }
}

/// <summary>A page of jobs.</summary>
/// <param name="Jobs">The jobs, newest first.</param>
/// <param name="Cursor">Where the next page begins; null when there is none.</param>
public sealed record JobPage(IReadOnlyList<JobView> Jobs, string? Cursor);

/// <summary>The numbers of a queue.</summary>
public sealed record QueueCounts
{
    /// <summary>Ready jobs, and those that wait for others of their session.</summary>
    public long Queued { get; init; }

    /// <summary>Those of <see cref="Queued"/> that wait for others of their session.</summary>
    public long InLine { get; init; }

    /// <summary>Jobs that wait for their time.</summary>
    public long Scheduled { get; init; }

    /// <summary>Jobs that wait for other jobs.</summary>
    public long Deferred { get; init; }

    /// <summary>Jobs that run.</summary>
    public long Running { get; init; }

    /// <summary>Jobs that wait for their next attempt.</summary>
    public long Retrying { get; init; }

    /// <summary>Dead letters.</summary>
    public long Dead { get; init; }

    /// <summary>Finished jobs whose record is kept: completed and cancelled.</summary>
    public long Kept { get; init; }

    /// <summary>What has happened since the queue was first used, by name: claimed, enqueued, completed, retried, dead, …</summary>
    public required IReadOnlyDictionary<string, long> Totals { get; init; }

    /// <summary>The lists that silos take its items from, as they have announced them.</summary>
    public IReadOnlyList<string> Lists { get; init; } = [];

    /// <summary>Whether the queue takes and starts jobs.</summary>
    public QueueMode Mode { get; init; }

    /// <summary>The epoch of the queue's keys; empty when nothing was ever there.</summary>
    public required string Epoch { get; init; }

    /// <summary>When the first ready job was enqueued; null when none is ready.</summary>
    public DateTimeOffset? OldestReady { get; init; }

    /// <summary>The store's clock.</summary>
    public DateTimeOffset Now { get; init; }
}
