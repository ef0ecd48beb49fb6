namespace Gristmill.Grains.Options;

/// <summary>The bounds of the HTTP API. The largest body of one job is that of its queue's MaxPayloadBytes and 64 KiB around it.</summary>
public sealed class ApiOptions
{
    /// <summary>The most jobs of one batch, 1 to 10,000. Default 10,000.</summary>
    public int MaxBatchJobs { get; set; } = 10_000;

    /// <summary>The largest body of a batch in bytes, 1,024 to 1,073,741,824. Default 33,554,432.</summary>
    public int MaxBatchBytes { get; set; } = 32 * 1024 * 1024;

    /// <summary>Connections at once, 10 to 1,000,000; more are closed at once. Default 10,000.</summary>
    public int MaxConnections { get; set; } = 10_000;

    /// <summary>Event streams at once, of all callers, 1 to 1,000,000; more are refused. Default 10,000.</summary>
    public int MaxStreams { get; set; } = 10_000;
}
