using Gristmill.Testing;

namespace Gristmill.Redis.Tests;

/// <summary>Callers that write their commands themselves: order, a socket that takes no more, and a link that breaks in the midst.</summary>
public sealed class CallerWriteTests(SharedStores stores) : IClassFixture<SharedStores>
{
    /// <summary>More than the buffers of both ends of a connection on loopback take.</summary>
    private const int MoreThanBuffers = 24 << 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Order_is_kept_by_each_of_many_callers_who_now_and_then_await(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));

        await Task.WhenAll(Enumerable.Range(0, 8).Select(caller => Task.Run(() => PushInOrderAsync(client, caller))));
    }

    [Fact]
    public async Task Order_is_kept_across_callers_who_hand_on_to_each_other()
    {
        await using var client = Clients.To(await stores.GetAsync(StoreKind.Redis));
        var key = Clients.Key();
        using var baton = new SemaphoreSlim(1);
        var next = 0;
        var pushes = new List<Task<RedisReply>>();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 250; i++)
            {
                // Who issues later has seen the other's call return, not its reply.
                await baton.WaitAsync(Cancellation);
                pushes.Add(client.Do(new RedisCommand("RPUSH", key).Add(next++)).AsTask());
                baton.Release();
            }
        })));
        await Task.WhenAll(pushes);

        await AssertCountedAsync(client, key, 2_000);
    }

    [Fact]
    public async Task Caller_is_not_held_up_by_a_socket_that_takes_no_more()
    {
        await using var server = await RedisServer.StartAsync();
        await using var client = Clients.To(server);
        await client.Do("PING");
        server.Freeze();

        var held = await Task.Run(
            () => new[] { Set(client, "a", MoreThanBuffers), Push(client, 0), Set(client, "b", MoreThanBuffers), Push(client, 1) }, Cancellation)
            .WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        Assert.DoesNotContain(held, t => t.IsCompleted);
        server.Thaw();
        await Task.WhenAll(held);

        Assert.Equal(MoreThanBuffers, (await client.Do("STRLEN", "b")).AsInteger());
        await AssertCountedAsync(client, "l", 2);
    }

    [Fact]
    public async Task Backlog_is_bounded_while_the_socket_takes_no_more()
    {
        await using var server = await RedisServer.StartAsync();
        await using var client = Clients.To(server, o => o.MaxBacklogBytes = MoreThanBuffers + 100_000);
        await client.Do("PING");
        server.Freeze();

        var held = Set(client, "a", MoreThanBuffers);
        var error = await Assert.ThrowsAsync<RedisUnavailableException>(() => Set(client, "b", 100_000));
        server.Thaw();

        Assert.Contains(nameof(RedisOptions.MaxBacklogBytes), error.Message, StringComparison.Ordinal);
        Assert.Equal("OK", (await held).AsString());
        Assert.Equal("OK", (await Set(client, "b", 100_000)).AsString());
    }

    [Fact]
    public async Task Time_limit_and_cancelling_hold_while_the_socket_takes_no_more()
    {
        await using var server = await RedisServer.StartAsync();
        await using var client = Clients.To(server, o => o.CommandTimeout = TimeSpan.FromMinutes(2));
        await client.Do("PING");
        server.Freeze();
        using var cancel = new CancellationTokenSource();

        var begun = client.Do(new RedisCommand("SET", "a").Add(new byte[MoreThanBuffers]).WithTimeout(TimeSpan.FromMilliseconds(200))).AsTask();
        var late = client.Do(new RedisCommand("SET", "late", "x").WithTimeout(TimeSpan.FromMilliseconds(200))).AsTask();
        var cancelled = client.ExecuteAsync(new RedisCommand("SET", "cancelled", "x"), cancel.Token).AsTask();
        var patient = client.Do("ECHO", "patient").AsTask();
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.True((await Assert.ThrowsAsync<RedisTimeoutException>(() => begun)).MayHaveExecuted);
        Assert.False((await Assert.ThrowsAsync<RedisUnavailableException>(() => late)).MayHaveExecuted);
        server.Thaw();
        Assert.Equal("patient", (await patient).AsString());
        Assert.Equal(1, (await client.Do("EXISTS", "a", "late", "cancelled")).AsInteger());
    }

    [Fact]
    public async Task Link_that_breaks_in_the_midst_of_a_callers_write_loses_that_command_only()
    {
        await using var server = await RedisServer.StartAsync();
        await using var proxy = TcpProxy.Start(server.Port);
        await using var client = Clients.To(proxy.Url);
        await client.Do("PING");
        proxy.Stall();
        var begun = Set(client, "a", MoreThanBuffers);
        var waiting = new[] { Push(client, 0), Push(client, 1) };

        proxy.Cut();
        var error = await Assert.ThrowsAsync<RedisConnectionLostException>(() => begun);
        proxy.Resume();
        await Task.WhenAll(waiting);

        Assert.True(error.MayHaveExecuted);
        await AssertCountedAsync(client, "l", 2);
        Assert.Equal(0, (await client.Do("EXISTS", "a")).AsInteger());
    }

    private static Task<RedisReply> Set(IRedisClient client, string key, int bytes) =>
        client.Do(new RedisCommand("SET", key).Add(new byte[bytes])).AsTask();

    private static Task<RedisReply> Push(IRedisClient client, int number) =>
        client.Do(new RedisCommand("RPUSH", "l").Add(number)).AsTask();

    private static async Task PushInOrderAsync(IRedisClient client, int caller)
    {
        const int Pushes = 1_000;
        var key = Clients.Key($"caller{caller}");
        var random = new Random(caller);
        var pushes = new List<Task>();
        for (var i = 0; i < Pushes; i++)
        {
            pushes.Add(client.Do(new RedisCommand("RPUSH", key).Add(i)).AsTask());
            if (random.Next(4) == 0)
            {
                await pushes[^1];
            }
        }

        await Task.WhenAll(pushes);
        await AssertCountedAsync(client, key, Pushes);
    }

    /// <summary>That a list has the numbers from 0 on, in order.</summary>
    private static async Task AssertCountedAsync(IRedisClient client, string key, int count)
    {
        var found = (await client.Do("LRANGE", key, "0", "-1")).Items.ToArray().Select(i => i.AsInteger());
        Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), found);
    }
}
