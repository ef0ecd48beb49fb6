namespace Gristmill.Simulation.Tests.Leases;

/// <summary>Which faults a run may have.</summary>
[Flags]
internal enum SimFaults
{
    None = 0,

    /// <summary>The server stands still, or restarts, for up to 20 s.</summary>
    Stalls = 1,

    /// <summary>A silo is cut off from the server for up to 20 s.</summary>
    Cuts = 2,

    /// <summary>A silo is frozen for up to 20 s.</summary>
    Freezes = 4,

    /// <summary>A silo is killed and started again.</summary>
    Kills = 8,

    /// <summary>The server's clock steps, back or forth.</summary>
    Steps = 16,

    /// <summary>Messages take up to two seconds, one in twenty.</summary>
    Delays = 32,

    All = Stalls | Cuts | Freezes | Kills | Steps | Delays,
}

/// <summary>What a run consists of.</summary>
internal sealed record SimSchedule
{
    public int Silos { get; init; } = 3;

    public int Capacity { get; init; } = 4;

    public int Jobs { get; init; } = 40;

    public required SimFaults Faults { get; init; }

    /// <summary>For how long there are faults; then all is mended, and the rest must be done.</summary>
    public TimeSpan Troubled { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>After this long without faults everything must be done.</summary>
    public TimeSpan Calm { get; init; } = TimeSpan.FromSeconds(75);

    public double Slowness => Faults.HasFlag(SimFaults.Delays) ? 0.05 : 0;
}
