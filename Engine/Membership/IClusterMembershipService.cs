namespace Gristmill.Engine;

/// <summary>
/// This silo's part in the cluster: who is a member as far as it knows, and whether it is one itself. Among the services of
/// every host with a grain engine; without Redis the silo is a cluster of its own.
/// </summary>
public interface IClusterMembershipService
{
    /// <summary>The newest that is known.</summary>
    ClusterMembershipSnapshot CurrentSnapshot { get; }

    /// <summary>The current snapshot, and then each that comes after it; a slow reader sees the newest. Ends when the silo has stopped.</summary>
    IAsyncEnumerable<ClusterMembershipSnapshot> MembershipUpdates { get; }

    /// <summary>This silo's address now; it has a new generation each time it was counted out and comes back.</summary>
    SiloAddress LocalSilo { get; }

    /// <summary>What this silo is doing, as it says of itself.</summary>
    SiloStatus LocalStatus { get; }

    /// <summary>
    /// Whether this silo is no member: not yet, not any more, or, by its own monotonic clock, not renewed for so long that
    /// the others may have counted it out. It must let nothing of its work be recorded then.
    /// </summary>
    bool IsCutOff { get; }

    /// <summary>Why this silo could not renew its membership when it last tried, for people; null when it could.</summary>
    string? Trouble { get; }

    /// <summary>Takes no new activations from now on and tells the others. What is active goes on until the silo stops.</summary>
    /// <param name="cancellationToken">Stops the wait until the others can know.</param>
    Task DrainAsync(CancellationToken cancellationToken = default);

    /// <summary>Asks Redis who the members are now and how busy they are.</summary>
    /// <param name="cancellationToken">Stops the wait.</param>
    Task<IReadOnlyList<ClusterMemberState>> ListAsync(CancellationToken cancellationToken = default);
}
