using Gristmill.Testing;

namespace Gristmill.Redis.Tests;

public sealed class DedicatedTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Move_onto_itself_wakes_every_waiter_and_takes_nothing(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind);
        await using var client = Clients.To(server);
        await using var first = await client.OpenDedicatedAsync(Cancellation);
        await using var second = await client.OpenDedicatedAsync(Cancellation);

        Task<RedisReply>[] waits = [WaitAsync(first, "list", 30), WaitAsync(second, "list", 30)];
        await client.Do("RPUSH", "list", "job");
        var woken = await Task.WhenAll(waits);

        Assert.All(woken, r => Assert.Equal("job", r.AsString()));
        Assert.Equal("job", (await client.Do("LRANGE", "list", "0", "-1"))[0].AsString());
        Assert.True(first.IsOpen);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Wait_that_ends_empty_is_null_and_the_connection_stays(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));
        await using var dedicated = await client.OpenDedicatedAsync(Cancellation);

        var reply = await dedicated.ExecuteAsync(Move(Clients.Key(), 0.1), TimeSpan.FromSeconds(0.1), Cancellation);

        Assert.True(reply.IsNull);
        Assert.Equal("PONG", (await dedicated.ExecuteAsync(new RedisCommand("PING"), Cancellation)).AsString());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Wait_that_is_cancelled_closes_the_connection(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));
        await using var dedicated = await client.OpenDedicatedAsync(Cancellation);
        using var cancel = new CancellationTokenSource();
        var wait = dedicated.ExecuteAsync(Move(Clients.Key(), 30), TimeSpan.FromSeconds(30), cancel.Token).AsTask();

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);

        Assert.False(dedicated.IsOpen);
        await Assert.ThrowsAsync<RedisUnavailableException>(async () => await dedicated.ExecuteAsync(new RedisCommand("PING"), Cancellation));
        Assert.Equal("PONG", (await client.Do("PING")).AsString());
    }

    [Fact]
    public async Task Wait_that_is_answered_too_late_times_out_and_closes()
    {
        await using var server = await RedisServer.StartAsync();
        await using var client = Clients.To(server, o => o.CommandTimeout = TimeSpan.FromMilliseconds(200));
        await using var dedicated = await client.OpenDedicatedAsync(Cancellation);
        server.Freeze();

        await Assert.ThrowsAsync<RedisTimeoutException>(async () =>
            await dedicated.ExecuteAsync(Move("none", 0.1), TimeSpan.FromSeconds(0.1), Cancellation));

        Assert.False(dedicated.IsOpen);
    }

    [Fact]
    public async Task Wait_ends_when_the_connection_is_cut_or_the_client_closed()
    {
        await using var server = await RedisServer.StartAsync();
        await using var proxy = TcpProxy.Start(server.Port);
        await using var client = Clients.To(proxy.Url);
        await using var cut = await client.OpenDedicatedAsync(Cancellation);
        var wait = WaitAsync(cut, "none", 30);
        proxy.Cut();
        await Assert.ThrowsAsync<RedisConnectionLostException>(() => wait);

        await using var closed = await client.OpenDedicatedAsync(Cancellation);
        wait = WaitAsync(closed, "none", 30);
        await client.DisposeAsync();
        await Assert.ThrowsAsync<RedisConnectionLostException>(() => wait);
    }

    [Fact]
    public async Task Second_command_while_one_waits_is_refused()
    {
        await using var client = Clients.To(await stores.GetAsync(StoreKind.Redis));
        await using var dedicated = await client.OpenDedicatedAsync(Cancellation);
        var wait = WaitAsync(dedicated, Clients.Key(), 30);

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await dedicated.ExecuteAsync(new RedisCommand("PING"), Cancellation));
        await dedicated.DisposeAsync();
        await Assert.ThrowsAsync<RedisConnectionLostException>(() => wait);
    }

    [Fact]
    public async Task Dedicated_connections_are_bounded()
    {
        await using var client = Clients.To(await stores.GetAsync(StoreKind.Redis), o => o.MaxDedicated = 1);
        await using var only = await client.OpenDedicatedAsync(Cancellation);

        var error = await Assert.ThrowsAsync<RedisUnavailableException>(async () => await client.OpenDedicatedAsync(Cancellation));
        await only.DisposeAsync();
        await using var next = await client.OpenDedicatedAsync(Cancellation);

        Assert.Contains("MaxDedicated", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Error_of_the_server_leaves_the_connection_open()
    {
        await using var client = Clients.To(await stores.GetAsync(StoreKind.Redis));
        await using var dedicated = await client.OpenDedicatedAsync(Cancellation);
        var key = Clients.Key();
        await client.Do("SET", key, "text");

        var error = await Assert.ThrowsAsync<RedisServerException>(() => WaitAsync(dedicated, key, 1));

        Assert.Equal("WRONGTYPE", error.Code);
        Assert.True(dedicated.IsOpen);
    }

    private static Task<RedisReply> WaitAsync(RedisDedicated dedicated, string list, double seconds) =>
        dedicated.ExecuteAsync(Move(list, seconds), TimeSpan.FromSeconds(seconds), Cancellation).AsTask();

    private static RedisCommand Move(string list, double seconds) =>
        new RedisCommand("BLMOVE", list, list, "LEFT", "LEFT").Add(seconds);
}
