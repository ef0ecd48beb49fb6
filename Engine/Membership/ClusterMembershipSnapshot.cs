using System.Collections.Concurrent;
using System.Collections.Frozen;

namespace Gristmill.Engine;

/// <summary>Who the members of the cluster were at one moment. Immutable.</summary>
public sealed class ClusterMembershipSnapshot
{
    /// <summary>The snapshot of a silo that knows of no cluster.</summary>
    internal static readonly ClusterMembershipSnapshot Empty = new(0, []);

    private readonly FrozenDictionary<string, ClusterMember> _byId;
    private readonly ConcurrentDictionary<string, ClusterMember[]> _hosts = new(StringComparer.Ordinal);

    internal ClusterMembershipSnapshot(long version, IEnumerable<ClusterMember> members)
    {
        Version = version;
        _byId = members.ToFrozenDictionary(m => m.SiloAddress.Id, StringComparer.Ordinal);
    }

    /// <summary>Grows with each change; begins anew, with a greater number, when Redis has lost it.</summary>
    public long Version { get; }

    /// <summary>The members, by no particular order.</summary>
    public IReadOnlyList<ClusterMember> Members => _byId.Values;

    /// <summary>The member of that id.</summary>
    /// <param name="id">As <see cref="SiloAddress.Id"/>.</param>
    /// <returns>Null when there is none.</returns>
    public ClusterMember? Find(string id) => _byId.GetValueOrDefault(id);

    /// <summary>The active members that host a grain class and read this silo's messages, by their names.</summary>
    internal ClusterMember[] HostsOf(string grainClass) => _hosts.GetOrAdd(grainClass, name =>
    [
        .. _byId.Values
            .Where(m => m.Status == SiloStatus.Active && m.OldestProtocol <= Message.NewestVersion && m.NewestProtocol >= Message.OldestVersion
                && m.GrainClasses.Contains(name, StringComparer.Ordinal))
            .OrderBy(m => m.SiloAddress.Id, StringComparer.Ordinal),
    ]);
}
