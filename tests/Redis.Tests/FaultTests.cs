using Gristmill.Testing;

namespace Gristmill.Redis.Tests;

/// <summary>A server that is frozen, killed or away, and a network that cuts.</summary>
public sealed class FaultTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Backlog_with_a_frozen_server_is_bounded_by_count(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind);
        await using var client = Clients.To(server, o => o.MaxInFlight = 50);
        await client.Do("PING");
        server.Freeze();

        var held = Enumerable.Range(0, 50).Select(_ => client.Do("INCR", "n").AsTask()).ToArray();
        var error = await Assert.ThrowsAsync<RedisUnavailableException>(async () => await client.Do("INCR", "n"));
        server.Thaw();
        await Task.WhenAll(held);

        Assert.Contains("MaxInFlight is 50", error.Message, StringComparison.Ordinal);
        Assert.Equal("50", (await client.Do("GET", "n")).AsString());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Backlog_with_a_frozen_server_is_bounded_by_bytes(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind);
        await using var client = Clients.To(server, o => o.MaxBacklogBytes = 100_000);
        await client.Do("PING");
        server.Freeze();

        var held = Enumerable.Range(0, 9).Select(i => client.Do("SET", $"k{i}", new string('x', 10_000)).AsTask()).ToArray();
        var error = await Assert.ThrowsAsync<RedisUnavailableException>(async () => await client.Do("SET", "k", new string('x', 10_000)));
        server.Thaw();
        await Task.WhenAll(held);

        Assert.Contains("MaxBacklogBytes is 100000", error.Message, StringComparison.Ordinal);
        Assert.Equal("OK", (await client.Do("SET", "k", new string('x', 10_000))).AsString());
    }

    [Fact]
    public async Task Backlog_without_a_server_is_bounded_and_answers_at_once()
    {
        var port = Ports.Next();
        await using var client = Clients.To($"redis://127.0.0.1:{port}", o => o.MaxInFlight = 3);
        await Eventually.TrueAsync("the client has tried", () => client.LastError is not null, cancellationToken: Cancellation);

        var held = Enumerable.Range(0, 3).Select(_ => client.Do("PING").AsTask()).ToArray();
        var fourth = client.Do("PING").AsTask();

        Assert.True(fourth.IsFaulted);
        var error = await Assert.ThrowsAsync<RedisUnavailableException>(() => fourth);
        Assert.StartsWith($"Redis is not reachable at 127.0.0.1:{port} (last error: Connection refused", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(held, t => t.IsCompleted);
        await client.DisposeAsync();
        await Assert.ThrowsAsync<RedisUnavailableException>(() => Task.WhenAll(held));
    }

    [Fact]
    public async Task Command_without_a_server_fails_as_not_sent_after_its_time_limit()
    {
        var port = Ports.Next();
        await using var client = Clients.To($"redis://127.0.0.1:{port}", o => o.CommandTimeout = TimeSpan.FromMilliseconds(200));

        var error = await Assert.ThrowsAsync<RedisUnavailableException>(async () => await client.Do("PING"));

        Assert.False(error.MayHaveExecuted);
        Assert.False(client.IsConnected);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Timed_out_command_does_not_shift_the_replies_of_others(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind);
        await using var client = Clients.To(server, o => o.CommandTimeout = TimeSpan.FromMinutes(2));
        await client.Do("PING");
        server.Freeze();

        var late = client.Do(new RedisCommand("ECHO").Add("late").WithTimeout(TimeSpan.FromMilliseconds(100))).AsTask();
        var patient = Enumerable.Range(0, 20).Select(i => client.Do(new RedisCommand("ECHO").Add(i)).AsTask()).ToArray();
        var error = await Assert.ThrowsAsync<RedisTimeoutException>(() => late);
        server.Thaw();
        var replies = await Task.WhenAll(patient);

        Assert.True(error.MayHaveExecuted);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => (long)i), replies.Select(r => r.AsInteger()));
    }

    [Fact]
    public async Task Cancelled_command_does_not_shift_the_replies_of_others()
    {
        await using var server = await RedisServer.StartAsync();
        await using var client = Clients.To(server);
        await client.Do("PING");
        server.Freeze();
        using var cancel = new CancellationTokenSource();

        var cancelled = client.ExecuteAsync(new RedisCommand("ECHO", "gone"), cancel.Token).AsTask();
        var patient = client.Do("ECHO", "stays").AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        server.Thaw();

        Assert.Equal("stays", (await patient).AsString());
    }

    [Fact]
    public async Task Connection_that_is_stuck_is_cut_and_made_anew()
    {
        await using var server = await RedisServer.StartAsync();
        await using var proxy = TcpProxy.Start(server.Port);
        await using var client = Clients.To(proxy.Url, o => o.CommandTimeout = TimeSpan.FromMilliseconds(200));
        await client.Do("PING");
        proxy.Stall();
        await Assert.ThrowsAsync<RedisTimeoutException>(async () => await client.Do("PING"));

        await foreach (var state in client.WatchConnectionAsync(Cancellation))
        {
            if (!state.IsConnected)
            {
                break;
            }
        }

        proxy.Resume();
        await Eventually.EqualAsync("PONG", async () => (await client.Do("PING")).AsString(), cancellationToken: Cancellation);
        await foreach (var state in client.WatchConnectionAsync(Cancellation))
        {
            Assert.True(state.Generation >= 2);
            break;
        }
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Command_in_flight_when_the_server_is_killed_has_an_unknown_outcome(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind, persistent: true);
        await using var client = Clients.To(server);
        await client.Do("SET", "k", "v");
        server.Freeze();
        var flying = client.Do("GET", "k").AsTask();

        await server.KillAsync();
        var error = await Assert.ThrowsAsync<RedisConnectionLostException>(() => flying);
        var waiting = client.Do("PING").AsTask();
        await server.StartAgainAsync();

        Assert.True(error.MayHaveExecuted);
        Assert.Equal("PONG", (await waiting).AsString());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Data_survive_an_orderly_restart(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind, persistent: true);
        await using var client = Clients.To(server);
        await client.Do("SET", "k", "kept");

        await server.StopAsync();
        await server.StartAgainAsync();

        Assert.Equal("kept", (await client.Do("GET", "k")).AsString());
    }

    [Fact]
    public async Task Connection_cut_within_a_reply_is_made_anew()
    {
        await using var server = await RedisServer.StartAsync();
        await using var proxy = TcpProxy.Start(server.Port);
        await using var client = Clients.To(proxy.Url);
        await client.Do("SET", "k", new string('x', 100_000));
        proxy.CutAfterReplyBytes(50_000);

        await Assert.ThrowsAsync<RedisConnectionLostException>(async () => await client.Do("GET", "k"));

        Assert.Equal(100_000, (await client.Do("GET", "k")).Bytes.Length);
    }

    [Fact]
    public async Task Every_command_is_answered_when_the_network_cuts_again_and_again()
    {
        await using var server = await RedisServer.StartAsync();
        await using var proxy = TcpProxy.Start(server.Port);
        await using var client = Clients.To(proxy.Url);
        using var done = new CancellationTokenSource();
        var cutting = Task.Run(async () =>
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
            while (!done.IsCancellationRequested && await timer.WaitForNextTickAsync(CancellationToken.None))
            {
                proxy.Cut();
            }
        }, Cancellation);

        var wrong = await Task.WhenAll(Enumerable.Range(0, 16).Select(caller => Task.Run(() => EchoAsync(client, caller))));
        await done.CancelAsync();
        await cutting;

        Assert.Equal(0, wrong.Sum());
    }

    [Fact]
    public async Task Waiting_commands_go_out_when_the_server_comes_back()
    {
        await using var server = await RedisServer.StartAsync();
        await using var proxy = TcpProxy.Start(server.Port);
        await using var client = Clients.To(proxy.Url);
        await client.Do("PING");
        await proxy.RefuseNewAsync();
        proxy.Cut();
        await foreach (var state in client.WatchConnectionAsync(Cancellation))
        {
            if (!state.IsConnected)
            {
                break;
            }
        }

        var waiting = Enumerable.Range(1, 10).Select(_ => client.Do("INCR", "n").AsTask()).ToArray();
        proxy.AcceptNew();

        Assert.Equal(Enumerable.Range(1, 10).Select(i => (long)i), (await Task.WhenAll(waiting)).Select(r => r.AsInteger()));
    }

    [Fact]
    public async Task Watcher_of_the_connection_sees_the_loss_and_the_new_generation()
    {
        await using var server = await RedisServer.StartAsync();
        await using var proxy = TcpProxy.Start(server.Port);
        await using var client = Clients.To(proxy.Url);
        await using var states = client.WatchConnectionAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        await UntilAsync(states, s => s is { IsConnected: true, Generation: 1 });

        proxy.Cut();
        await UntilAsync(states, s => s.Generation == 2);

        Assert.True(states.Current.IsConnected);
        Assert.StartsWith("redis", states.Current.Server!.ToString(), StringComparison.Ordinal);
        await client.DisposeAsync();
        while (await states.MoveNextAsync())
        {
            Assert.False(states.Current.IsConnected);
        }
    }

    [Fact]
    public async Task Client_that_is_closed_refuses_and_fails_what_waits()
    {
        await using var server = await RedisServer.StartAsync();
        var client = Clients.To(server);
        await client.Do("PING");
        server.Freeze();
        var flying = client.Do("PING").AsTask();

        await client.DisposeAsync();

        await Assert.ThrowsAnyAsync<RedisException>(() => flying);
        await Assert.ThrowsAsync<RedisUnavailableException>(async () => await client.Do("PING"));
        await Assert.ThrowsAsync<RedisUnavailableException>(async () => await client.OpenDedicatedAsync(Cancellation));
        await Assert.ThrowsAsync<RedisUnavailableException>(async () => await client.SubscribeAsync("c", Cancellation));
        await client.DisposeAsync();
    }

    private static async Task UntilAsync(IAsyncEnumerator<RedisConnectionState> states, Func<RedisConnectionState, bool> wanted)
    {
        while (await states.MoveNextAsync())
        {
            if (wanted(states.Current))
            {
                return;
            }
        }

        Assert.Fail("The states ended.");
    }

    /// <summary>How many echoes came back as another's.</summary>
    private static async Task<int> EchoAsync(IRedisClient client, int caller)
    {
        var wrong = 0;
        for (var i = 0; i < 500; i++)
        {
            try
            {
                var text = $"{caller}-{i}";
                wrong += (await client.Do("ECHO", text)).AsString() == text ? 0 : 1;
            }
            catch (RedisConnectionLostException)
            {
                // Cut while in flight; the next goes out on a new connection.
            }
        }

        return wrong;
    }
}
