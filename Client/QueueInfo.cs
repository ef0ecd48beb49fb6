using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>The numbers of a queue.</summary>
public sealed record QueueInfo
{
    /// <summary>The queue.</summary>
    public required string Name { get; init; }

    /// <summary>open, paused or draining.</summary>
    public required string State { get; init; }

    /// <summary>Jobs by state.</summary>
    public required JobCounts Counts { get; init; }

    /// <summary>What has happened since the queue was first used, by name: claimed, enqueued, completed, retried, dead, ….</summary>
    public required IReadOnlyDictionary<string, long> Totals { get; init; }

    /// <summary>When the first ready job was enqueued; null when none is ready.</summary>
    public DateTimeOffset? OldestReadyAt { get; init; }

    /// <summary>How long the first ready job has waited, by the store's clock; null when none is ready.</summary>
    public double? OldestReadySeconds { get; init; }

    /// <summary>The silos that serve the queue, by name.</summary>
    public required IReadOnlyList<string> Silos { get; init; }

    /// <summary>The lists that silos take its items from, as they have announced them.</summary>
    public required IReadOnlyList<QueueList> Lists { get; init; }

    internal static QueueInfo From(string name, QueueCounts counts, IReadOnlyList<string> silos, IReadOnlyList<QueueList> lists) => new()
    {
        Name = name,
        State = counts.Mode switch { QueueMode.Paused => "paused", QueueMode.Draining => "draining", _ => "open" },
        Counts = new JobCounts(counts.Queued, counts.Scheduled, counts.Deferred, counts.Running, counts.Retrying, counts.Dead, counts.Kept),
        Totals = counts.Totals,
        OldestReadyAt = counts.OldestReady,
        OldestReadySeconds = counts.OldestReady is { } at ? Math.Max(0, (counts.Now - at).TotalSeconds) : null,
        Silos = silos,
        Lists = lists,
    };
}

/// <summary>Jobs by state.</summary>
/// <param name="Queued">Ready to start.</param>
/// <param name="Scheduled">Waiting for their time.</param>
/// <param name="Deferred">Waiting for other jobs.</param>
/// <param name="Running">Being worked on.</param>
/// <param name="Retrying">Waiting for their next attempt.</param>
/// <param name="Dead">Dead letters.</param>
/// <param name="Finished">Completed and cancelled jobs whose record is kept.</param>
public sealed record JobCounts(long Queued, long Scheduled, long Deferred, long Running, long Retrying, long Dead, long Finished);

/// <summary>A list of a queue.</summary>
/// <param name="Name">The key.</param>
/// <param name="Length">Items in it; null when that cannot be said.</param>
/// <param name="Error">Why not.</param>
public sealed record QueueList(string Name, long? Length, string? Error);
