using Gristmill.Simulation.Tests.World;

namespace Gristmill.Simulation.Tests.Leases;

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
