namespace Gristmill.Silo.Hosting;

/// <summary>
/// The table of members in Redis, with two things that Orleans leaves to time. A silo that starts buries the member of the same
/// name that was there before it, as on the other engine: otherwise it waits until that one is found dead. And a silo that stops
/// can go though Redis is away, where Orleans would try for minutes to write that it goes: who leaves without a word is found
/// dead by the others, as if it had been killed.
/// </summary>
internal sealed class OrleansEngineMembers(IMembershipTable table, ILocalSiloDetails silo, IHostApplicationLifetime host) : IMembershipTable
{
    // Others write the table at the same time, most of all when many silos start at once.
    private const int Tries = 20;
    private volatile MembershipTableData? _last;

    // Once the store has failed a silo that stops, it is not asked again: each time would cost a time limit.
    private volatile bool _left;

    private bool Stopping => host.ApplicationStopping.IsCancellationRequested;

    public async Task InitializeMembershipTableAsync(bool tryInitTableVersion, CancellationToken cancellationToken)
    {
        await table.InitializeMembershipTableAsync(tryInitTableVersion, cancellationToken);
        for (var tries = 0; tries < Tries && !await BuryPredecessorAsync(cancellationToken); tries++)
        {
        }
    }

    public Task DeleteMembershipTableEntriesAsync(string clusterId, CancellationToken cancellationToken) => table.DeleteMembershipTableEntriesAsync(clusterId, cancellationToken);

    public Task CleanupDefunctSiloEntriesAsync(DateTimeOffset beforeDate, CancellationToken cancellationToken) => table.CleanupDefunctSiloEntriesAsync(beforeDate, cancellationToken);

    public Task<MembershipTableData> ReadRowAsync(SiloAddress key, CancellationToken cancellationToken) => table.ReadRowAsync(key, cancellationToken);

    public async Task<MembershipTableData> ReadAllAsync(CancellationToken cancellationToken)
    {
        if (_left && _last is { } known) return known;
        try
        {
            return _last = await table.ReadAllAsync(cancellationToken);
        }
        catch (Exception) when (Stopping && _last is not null)
        {
            _left = true;
            return _last;
        }
    }

    public Task<bool> InsertRowAsync(MembershipEntry entry, TableVersion tableVersion, CancellationToken cancellationToken) => table.InsertRowAsync(entry, tableVersion, cancellationToken);

    public async Task<bool> UpdateRowAsync(MembershipEntry entry, string etag, TableVersion tableVersion, CancellationToken cancellationToken)
    {
        var own = entry.SiloAddress.Equals(silo.SiloAddress);
        if (own && _left) return true;
        try
        {
            return await table.UpdateRowAsync(entry, etag, tableVersion, cancellationToken);
        }
        catch (Exception) when (own && Stopping)
        {
            return _left = true;
        }
    }

    public Task UpdateIAmAliveAsync(MembershipEntry entry, CancellationToken cancellationToken) => table.UpdateIAmAliveAsync(entry, cancellationToken);

    // Whether there is none any more.
    private async Task<bool> BuryPredecessorAsync(CancellationToken cancellationToken)
    {
        var known = await table.ReadAllAsync(cancellationToken);
        var found = known.Members.FirstOrDefault(m => m.Item1.SiloName == silo.Name && m.Item1.Status != SiloStatus.Dead && !m.Item1.SiloAddress.Equals(silo.SiloAddress));
        if (found is not var (entry, etag)) return true;
        entry.Status = SiloStatus.Dead;
        await table.UpdateRowAsync(entry, etag, known.Version.Next(), cancellationToken);
        return false;
    }

    // The older form of each, which Orleans does not call any more.
    public Task InitializeMembershipTable(bool tryInitTableVersion) => InitializeMembershipTableAsync(tryInitTableVersion, CancellationToken.None);

    public Task DeleteMembershipTableEntries(string clusterId) => DeleteMembershipTableEntriesAsync(clusterId, CancellationToken.None);

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => CleanupDefunctSiloEntriesAsync(beforeDate, CancellationToken.None);

    public Task<MembershipTableData> ReadRow(SiloAddress key) => ReadRowAsync(key, CancellationToken.None);

    public Task<MembershipTableData> ReadAll() => ReadAllAsync(CancellationToken.None);

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => InsertRowAsync(entry, tableVersion, CancellationToken.None);

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) => UpdateRowAsync(entry, etag, tableVersion, CancellationToken.None);

    public Task UpdateIAmAlive(MembershipEntry entry) => UpdateIAmAliveAsync(entry, CancellationToken.None);
}
