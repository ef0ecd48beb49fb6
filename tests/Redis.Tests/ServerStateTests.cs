using System.Globalization;
using Gristmill.Testing;

namespace Gristmill.Redis.Tests;

/// <summary>Servers that answer but do not serve: loading, replicas, full memory.</summary>
public sealed class ServerStateTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Server_that_is_loading_counts_as_not_there_yet()
    {
        await using var server = await RedisServer.StartAsync(
            "--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024");
        await using var client = Clients.To(server);
        var sets = Enumerable.Range(0, 5_000).Select(i => client.Do("SET", i.ToString(CultureInfo.InvariantCulture), "x").AsTask());
        await Task.WhenAll(sets);
        await server.StopAsync();
        await server.StartAgainAsync(waitUntilReady: false);

        var error = await Eventually.MatchesAsync(
            "the last error is LOADING",
            () => Task.FromResult(client.LastError?.InnerException as RedisServerException),
            e => e?.Code == "LOADING",
            cancellationToken: Cancellation);

        Assert.False(error!.MayHaveExecuted);
        Assert.Equal(5_000, (await client.Do("DBSIZE")).AsInteger());
    }

    [Fact]
    public async Task Replica_refuses_writes_with_its_code_and_the_client_connects_anew()
    {
        await using var master = await RedisServer.StartAsync();
        await using var replica = await RedisServer.StartAsync("--replicaof", "127.0.0.1", master.Port.ToString(CultureInfo.InvariantCulture));
        await using var client = Clients.To(replica);
        var write = new RedisScript("write", "return redis.call('SET', KEYS[1], 'x')");

        var plain = await Assert.ThrowsAsync<RedisServerException>(async () => await client.Do("SET", "k", "x"));
        await GenerationAsync(client, 2);
        var script = await Assert.ThrowsAsync<RedisServerException>(async () => await client.Call(write.Call().AddKey("k")));
        await GenerationAsync(client, 3);
        await client.Do("REPLICAOF", "NO", "ONE");

        Assert.Equal("READONLY", plain.Code);
        Assert.Equal("READONLY", script.Code);
        Assert.False(plain.MayHaveExecuted);
        Assert.Equal("OK", (await client.Do("SET", "k", "x")).AsString());
    }

    [Fact]
    public async Task Replica_without_its_master_counts_as_not_there()
    {
        await using var replica = await RedisServer.StartAsync();
        await using var client = Clients.To(replica, o => o.CommandTimeout = TimeSpan.FromSeconds(1));
        await client.Do("CONFIG", "SET", "replica-serve-stale-data", "no");
        await client.Do("REPLICAOF", "127.0.0.1", Ports.Next().ToString(CultureInfo.InvariantCulture));

        var plain = await Assert.ThrowsAsync<RedisServerException>(async () => await client.Do("GET", "k"));
        await using var second = Clients.To(replica, o => o.CommandTimeout = TimeSpan.FromMilliseconds(300));
        var connecting = await Assert.ThrowsAsync<RedisUnavailableException>(async () => await second.Do("GET", "k"));

        Assert.Equal("MASTERDOWN", plain.Code);
        Assert.Equal("MASTERDOWN", Assert.IsType<RedisServerException>(connecting.InnerException).Code);
    }

    [Fact]
    public async Task Full_memory_throws_its_code()
    {
        await using var server = await RedisServer.StartAsync("--maxmemory", "1", "--maxmemory-policy", "noeviction");
        await using var client = Clients.To(server);
        var write = new RedisScript("write", "return redis.call('SET', KEYS[1], 'x')");

        var plain = await Assert.ThrowsAsync<RedisServerException>(async () => await client.Do("SET", "k", "x"));
        var script = await Assert.ThrowsAsync<RedisServerException>(async () => await client.Call(write.Call().AddKey("k")));

        Assert.Equal("OOM", plain.Code);
        Assert.Equal("OOM", script.Code);
    }

    private static async Task GenerationAsync(IRedisClient client, long generation)
    {
        await foreach (var state in client.WatchConnectionAsync(Cancellation))
        {
            if (state.IsConnected && state.Generation >= generation)
            {
                return;
            }
        }
    }
}
