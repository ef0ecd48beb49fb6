namespace Gristmill.Engine;

/// <summary>Whether a process joins, joins again with a new generation, or renews.</summary>
internal enum RenewMode
{
    Renew,
    Join,
    Rejoin,
}

/// <summary>What a silo says of itself with each renewal.</summary>
internal sealed record RenewRequest(
    string Member, string Record, string Load, TimeSpan Ttl, TimeSpan Gap, RenewMode Mode, long KnownVersion);

/// <summary>What it learns: whether it is a member, and who else is. The members are null when they are those of the version it knows; else it learns too who left in order.</summary>
internal sealed record RenewReply(
    bool IsMember, long Version, DateTimeOffset ServerTime, IReadOnlyList<string> Dead, IReadOnlyList<ClusterMember>? Members, IReadOnlyList<string> Left)
{
    public static readonly RenewReply NotMember = new(false, 0, default, [], null, []);

    /// <summary>What stood among the members and was written by no silo; it was taken out.</summary>
    public IReadOnlyList<string> Strangers { get; init; } = [];

    /// <summary>Members of this version whose records this silo cannot read, and leaves alone.</summary>
    public IReadOnlyList<string> Unreadable { get; init; } = [];
}

/// <summary>Keeps the membership of a cluster. All traffic of the membership goes through here, and nothing else does.</summary>
internal interface IMembershipTable
{
    /// <summary>Joins or renews; see member_renew.lua.</summary>
    Task<RenewReply> RenewAsync(RenewRequest request, CancellationToken cancellationToken);

    /// <summary>Ends a membership; see member_leave.lua.</summary>
    Task LeaveAsync(string member, CancellationToken cancellationToken);

    /// <summary>Takes a part of what a former member has left; see member_purge.lua.</summary>
    /// <returns>How many grains are left; at 0 the step need not be repeated at once.</returns>
    Task<long> PurgeAsync(string member, int most, CancellationToken cancellationToken);

    /// <summary>The members and how busy they are; see member_list.lua.</summary>
    Task<IReadOnlyList<ClusterMemberState>> ListAsync(CancellationToken cancellationToken);

    /// <summary>Versions of the membership as they are announced; null where some may have been missed.</summary>
    IAsyncEnumerable<long?> WatchAsync(CancellationToken cancellationToken);
}
