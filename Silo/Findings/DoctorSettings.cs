using Gristmill.Grains.Options;

namespace Gristmill.Silo.Findings;

/// <summary>Whom the doctor looks at, and how much a look may cost.</summary>
internal sealed record DoctorSettings
{
    /// <summary>What is configured here; of the service's other queues the doctor knows what their silos have announced.</summary>
    public required GristmillOptions Options { get; init; }

    /// <summary>The id of the silo that asks, whose own findings come from itself; null where it is a command.</summary>
    public string? SiloId { get; init; }

    /// <summary>The database, in which other clients matter.</summary>
    public int Database { get; init; }

    /// <summary>Keys that one look goes through at most, for lists and again for sorted sets; the next goes on from there.</summary>
    public int KeysPerLook { get; init; } = 50_000;

    /// <summary>How long one look goes through keys at most.</summary>
    public TimeSpan ScanLimit { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether to stop going through keys once all have been seen.</summary>
    public bool ScansOnce { get; init; }

    /// <summary>How often one look asks who is connected: one who polls is seen only while its pop is the last that it did.</summary>
    public int ClientSamples { get; init; } = 4;

    /// <summary>Between two of these.</summary>
    public TimeSpan SamplePause { get; init; } = TimeSpan.FromMilliseconds(150);
}
