namespace Gristmill.Simulation.Tests.World;

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
