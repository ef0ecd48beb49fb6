namespace Gristmill.Grains;

/// <summary>
/// Admits the items of one queue's lists and starts jobs on its silo. Key: queue@silo; it refuses to run elsewhere. A
/// hosted service of the silo calls <see cref="RunAsync"/> again and again, so that it is never gone for long.
/// </summary>
[Alias("gristmill.Bridge")]
public interface IBridgeGrain : IGrainWithStringKey
{
    /// <summary>Starts the bridge's loops, and starts them again if they have ended. Returns at once.</summary>
    /// <exception cref="GristmillException">The grain is not on the silo that its key names, or the silo has no such queue.</exception>
    [Alias("Run"), AlwaysInterleave]
    Task RunAsync();

    /// <summary>Begins to stop: nothing more is claimed or started, running jobs go on. Returns at once.</summary>
    /// <param name="limit">How long running jobs may go on; then they are cancelled and given back.</param>
    [Alias("Stop"), AlwaysInterleave]
    Task StopAsync(TimeSpan limit);

    /// <summary>How the bridge is doing.</summary>
    [Alias("Status"), AlwaysInterleave]
    Task<BridgeStatus> GetStatusAsync();
}

/// <summary>How a bridge is doing.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Running">Jobs whose handler runs now.</param>
/// <param name="Held">Jobs that this bridge holds in all: running, and ended but not yet recorded.</param>
/// <param name="Stopped">Whether it has stopped: nothing is held any more and the lease is given up.</param>
/// <param name="Trouble">What keeps it from serving the queue, for people; null when nothing does.</param>
[GenerateSerializer, Immutable, Alias("gristmill.BridgeStatus")]
public sealed record BridgeStatus(
    [property: Id(0)] string Queue,
    [property: Id(1)] int Running,
    [property: Id(2)] int Held,
    [property: Id(3)] bool Stopped,
    [property: Id(4)] string? Trouble);
