namespace Gristmill.Store;

/// <summary>One device of a silo. Memory is MiB.</summary>
public sealed record SiloGpuRecord
{
    /// <summary>What people call it.</summary>
    public required string Name { get; init; }

    /// <summary>Its UUID, or its configured name.</summary>
    public required string Id { get; init; }

    /// <summary>The kind of device.</summary>
    public required string Type { get; init; }

    /// <summary>ok, or put_aside: it failed again and again, or is no longer there.</summary>
    public required string State { get; init; }

    /// <summary>Why it is put aside; null when it is not.</summary>
    public string? Trouble { get; init; }

    /// <summary>Its memory in all.</summary>
    public required int MemoryMiB { get; init; }

    /// <summary>Memory that is leased to workers.</summary>
    public int LeasedMiB { get; init; }

    /// <summary>Memory that processes other than workers use.</summary>
    public int ForeignMiB { get; init; }

    /// <summary>Memory in use by nvidia-smi's count; null where it is not asked.</summary>
    public int? UsedMiB { get; init; }

    /// <summary>How busy it is, 0 to 100; null where that is not known.</summary>
    public int? UtilisationPercent { get; init; }

    /// <summary>How hot it is, in °C; null where that is not known.</summary>
    public int? TemperatureCelsius { get; init; }

    /// <summary>Jobs that it may run at once; 0 for as many as there are workers on it.</summary>
    public int Slots { get; init; }

    /// <summary>Workers on it that run jobs.</summary>
    public int Running { get; init; }

    /// <summary>The models on it.</summary>
    public IReadOnlyList<SiloGpuModelRecord> Models { get; init; } = [];
}

/// <summary>A worker on a device.</summary>
/// <param name="Queue">Its queue.</param>
/// <param name="Model">Its model.</param>
/// <param name="MemoryMiB">The memory that is kept for it.</param>
/// <param name="State">loading, idle, busy or leaving.</param>
/// <param name="UnusedSeconds">How long ago its last job ended, or it was loaded.</param>
public sealed record SiloGpuModelRecord(string Queue, string Model, int MemoryMiB, string State, double UnusedSeconds);
