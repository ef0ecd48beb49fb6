using Gristmill.Redis;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Engine.Tests.Membership;

/// <summary>The membership table of a cluster of its own, with what the tests always say; hands on its clock.</summary>
internal sealed class MemberTable : IAsyncDisposable
{
    public static readonly TimeSpan Ttl = TimeSpan.FromSeconds(5);

    private readonly IRedisClient _redis;
    private readonly RedisMembershipTable _table;

    public MemberTable(string url)
    {
        _redis = RedisClient.Connect(new RedisOptions { Url = url }, NullLoggerFactory.Instance);
        Keys = new ClusterKeys("test", $"{Guid.NewGuid():N}", 0);
        _table = new RedisMembershipTable(_redis, Keys);
        Directory = new RedisGrainDirectory(_redis, Keys);
    }

    public ClusterKeys Keys { get; }

    public RedisGrainDirectory Directory { get; }

    public Task<RenewReply> RenewAsync(string member, RenewMode mode, long known = 0, SiloStatus status = SiloStatus.Active) => _table.RenewAsync(
        new(member, new MemberRecord { Status = status, Grains = ["mill"] }.Write(), new MemberLoad(7, 3).Write(), Ttl, Ttl / 2, mode, known), default);

    public Task LeaveAsync(string member) => _table.LeaveAsync(member, default);

    public Task<long> PurgeAsync(string member, int most) => _table.PurgeAsync(member, most, default);

    public Task<IReadOnlyList<ClusterMemberState>> ListAsync(CancellationToken cancellationToken) => _table.ListAsync(cancellationToken);

    public IAsyncEnumerable<long?> WatchAsync(CancellationToken cancellationToken) => _table.WatchAsync(cancellationToken);

    public async Task DiedLongAgoAsync(string member) => await _redis.ExecuteAsync(new RedisCommand("ZADD", Keys.Dead, "1", member));

    public async Task EndNowAsync(string member) => await _redis.ExecuteAsync(new RedisCommand("ZADD", Keys.Alive, "1", member));

    public async Task MoveTickAsync(TimeSpan by) =>
        await _redis.ExecuteAsync(new RedisCommand("HINCRBY", Keys.View, "tick").Add((long)by.TotalMilliseconds));

    public async Task MoveEndAsync(string member, TimeSpan by) =>
        await _redis.ExecuteAsync(new RedisCommand("ZINCRBY", Keys.Alive).Add((long)by.TotalMilliseconds).Add(member));

    public async Task<TimeSpan> EndsInAsync(string member) => (await ListAsync(default)).Single(m => m.Member.SiloAddress.Id == member).EndsIn;

    /// <summary>Sends a command as somebody who writes into Redis by hand.</summary>
    public async Task DoAsync(string name, params string[] arguments) => await _redis.ExecuteAsync(new RedisCommand(name, arguments));

    public async Task<long> CountAsync(string command, string key) => (await _redis.ExecuteAsync(new RedisCommand(command, key))).AsInteger();

    public ValueTask DisposeAsync() => _redis.DisposeAsync();
}
