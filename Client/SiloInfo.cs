using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>A silo of the cluster, as it said of itself about a second ago; a lost one as it was last heard of.</summary>
public sealed record SiloInfo
{
    /// <summary>This run of the silo; another one after each start.</summary>
    public required string Id { get; init; }

    /// <summary>Its name for people.</summary>
    public required string Name { get; init; }

    /// <summary>running; draining (takes nothing more, finishes what runs, then ends); stopping; or lost, when nothing was heard of it for longer than its lease lasts.</summary>
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

    /// <summary>How long ago it was heard of, seconds, by the store's clock.</summary>
    public required double HeardSecondsAgo { get; init; }

    /// <summary>The labels that queues may ask for.</summary>
    public required IReadOnlyList<string> Labels { get; init; }

    /// <summary>The queues that it serves.</summary>
    public required IReadOnlyList<SiloQueueInfo> Queues { get; init; }

    /// <summary>Its devices, where it has queues that need any.</summary>
    public required IReadOnlyList<SiloGpuRecord> Gpus { get; init; }

    /// <summary>Jobs that it completed since its start.</summary>
    public required long Completed { get; init; }

    /// <summary>Jobs that died on it since its start.</summary>
    public required long Dead { get; init; }

    internal static SiloInfo From(SiloView view) => new()
    {
        Id = view.Record.Id,
        Name = view.Record.Name,
        State = view.IsLost ? "lost" : view.Record.State == "running" && view.DrainAsked ? "draining" : view.Record.State,
        Version = view.Record.Version,
        Engine = view.Record.Engine,
        Host = view.Record.Host,
        Pid = view.Record.Pid,
        StartedAt = view.Record.StartedAt,
        HeardSecondsAgo = Math.Round(view.HeardAgo.TotalSeconds, 1),
        Labels = view.Record.Labels,
        Queues = [.. view.Record.Queues.Select(q => new SiloQueueInfo(q.Name, q.Generation, q.Capacity, q.Running, q.Trouble) { WaitingFor = q.WaitingFor })],
        Gpus = view.Record.Gpus,
        Completed = view.Record.Completed,
        Dead = view.Record.Dead,
    };
}

/// <summary>One queue on one silo.</summary>
/// <param name="Name">The queue.</param>
/// <param name="Generation">The generation of the silo's lease on the queue; another one after each loss of it.</param>
/// <param name="Capacity">Jobs that the silo can run at once.</param>
/// <param name="Running">Jobs that run now.</param>
/// <param name="Trouble">Why it takes no work; null when it does.</param>
public sealed record SiloQueueInfo(string Name, string Generation, int Capacity, int Running, string? Trouble)
{
    /// <summary>Why no job can start for want of a device: no_slot, memory, model_loading, device_put_aside or no_device; null otherwise.</summary>
    public string? WaitingFor { get; init; }
}
