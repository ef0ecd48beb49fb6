using System.Text.Json.Serialization;

namespace Gristmill.Store;

/// <summary>What a silo says of itself to people and clients, about once a second. Members that a version does not know are skipped.</summary>
public sealed record SiloRecord
{
    /// <summary>The process: another one after each start.</summary>
    public required string Id { get; init; }

    /// <summary>The silo's name for people.</summary>
    public required string Name { get; init; }

    /// <summary>running, draining (takes nothing more, finishes what runs, then ends) or stopping.</summary>
    public required string State { get; init; }

    /// <summary>The version of Gristmill.</summary>
    public required string Version { get; init; }

    /// <summary>The grain engine: Redis or Orleans.</summary>
    public required string Engine { get; init; }

    /// <summary>The machine.</summary>
    public required string Host { get; init; }

    /// <summary>The process id on that machine.</summary>
    public required int Pid { get; init; }

    /// <summary>When the process started, by its machine's clock.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>After how many seconds without a word the silo counts as lost.</summary>
    public required double LeaseSeconds { get; init; }

    /// <summary>The labels that queues may ask for.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>The queues that it serves.</summary>
    public IReadOnlyList<SiloQueueRecord> Queues { get; init; } = [];

    /// <summary>Its devices, where it has queues that need any.</summary>
    public IReadOnlyList<SiloGpuRecord> Gpus { get; init; } = [];

    /// <summary>Jobs that it completed since its start.</summary>
    public long Completed { get; init; }

    /// <summary>Jobs that died on it since its start.</summary>
    public long Dead { get; init; }

    /// <summary>What it finds wrong with itself, which others cannot see in Redis; null from a version that does not say.</summary>
    public IReadOnlyList<SiloFindingRecord>? Findings { get; init; }
}

/// <summary>Something that is wrong with a silo, or that it went through lately.</summary>
/// <param name="Code">A stable word for programs.</param>
/// <param name="Severity">error, warning or info.</param>
/// <param name="Queue">The queue that it is about; null for none in particular.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Action">What to do.</param>
public sealed record SiloFindingRecord(string Code, string Severity, string? Queue, string Message, string Action);

/// <summary>One queue on one silo.</summary>
/// <param name="Name">The queue.</param>
/// <param name="Generation">The generation of its lease on the queue: another one after each loss of it.</param>
/// <param name="Capacity">Jobs that it can run at once.</param>
/// <param name="Running">Jobs that run now.</param>
/// <param name="Trouble">Why it takes no work; null when it does.</param>
public sealed record SiloQueueRecord(string Name, string Generation, int Capacity, int Running, string? Trouble)
{
    /// <summary>Why no job can start for want of a device: no_slot, memory, model_loading, device_put_aside or no_device; null otherwise.</summary>
    public string? WaitingFor { get; init; }

    /// <summary>The options that all silos of the queue must have alike, each with a digest of its value; null from a version that does not say.</summary>
    public IReadOnlyDictionary<string, string>? Options { get; init; }
}

/// <summary>A silo and how long ago it was heard of.</summary>
/// <param name="Record">What it said last.</param>
/// <param name="HeardAgo">How long ago, by the server's clock.</param>
/// <param name="DrainAsked">Whether it was asked to drain.</param>
public sealed record SiloView(SiloRecord Record, TimeSpan HeardAgo, bool DrainAsked)
{
    /// <summary>Whether nothing was heard of it for longer than its lease lasts.</summary>
    public bool IsLost => HeardAgo.TotalSeconds > Record.LeaseSeconds;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SiloRecord))]
internal sealed partial class SiloRecordJson : JsonSerializerContext;
