namespace Gristmill.Engine;

/// <summary>The membership of a silo without Redis: a cluster of its own.</summary>
internal sealed class LoneSilo(SiloAddress address, MemberRecord record) : IClusterMembershipService
{
    private volatile bool _draining;

    public ClusterMembershipSnapshot CurrentSnapshot => new(1, [Me]);

    public IAsyncEnumerable<ClusterMembershipSnapshot> MembershipUpdates => Once(CurrentSnapshot);

    public SiloAddress LocalSilo => address;

    public SiloStatus LocalStatus => _draining ? SiloStatus.ShuttingDown : SiloStatus.Active;

    public bool IsCutOff => false;

    public string? Trouble => null;

    private ClusterMember Me => MemberRecord.Read(address.Id, System.Text.Encoding.UTF8.GetBytes((record with { Status = LocalStatus }).Write()))!;

    public Task DrainAsync(CancellationToken cancellationToken = default)
    {
        _draining = true;
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<ClusterMemberState>> ListAsync(CancellationToken cancellationToken = default) =>
        Task.FromResult<IReadOnlyList<ClusterMemberState>>([new(Me, 0, 0, TimeSpan.MaxValue)]);

    private static async IAsyncEnumerable<ClusterMembershipSnapshot> Once(ClusterMembershipSnapshot snapshot)
    {
        await Task.CompletedTask;
        yield return snapshot;
    }
}
