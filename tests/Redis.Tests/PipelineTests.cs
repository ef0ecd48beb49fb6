using System.Globalization;
using Gristmill.Testing;

namespace Gristmill.Redis.Tests;

public sealed class PipelineTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly RedisScript Append = new("append", "return redis.call('RPUSH', KEYS[1], ARGV[1])");
    private static readonly RedisScript Count = new("count", "return redis.call('LLEN', KEYS[1]) .. ':' .. ARGV[1]");

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Ten_thousand_concurrent_commands_get_their_own_replies(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));

        var replies = await Task.WhenAll(Enumerable.Range(0, 10_000).Select(i => Task.Run(async () =>
            (await client.Do("ECHO", i.ToString(CultureInfo.InvariantCulture))).AsInteger() == i)));

        Assert.All(replies, Assert.True);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Commands_issued_without_awaiting_keep_their_order(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));
        var key = Clients.Key();

        var issued = Enumerable.Range(1, 2_000).Select(i => client.Do(new RedisCommand("RPUSH").Add(key).Add(i)).AsTask()).ToArray();
        var lengths = await Task.WhenAll(issued);

        Assert.Equal(Enumerable.Range(1, 2_000).Select(i => (long)i), lengths.Select(r => r.AsInteger()));
        var items = await client.Do("LRANGE", key, "0", "-1");
        Assert.Equal(Enumerable.Range(1, 2_000).Select(i => (long)i), items.AsList().Select(r => r.AsInteger()));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Dependent_scripts_keep_their_order_when_the_server_loses_its_scripts(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind);
        await using var client = Clients.To(server);
        await using var other = Clients.To(server);
        using var done = new CancellationTokenSource();
        var flushes = 0;
        var flushing = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                await other.Do("SCRIPT", "FLUSH");
                flushes++;
            }
        }, TestContext.Current.CancellationToken);

        var pairs = await Task.WhenAll(Enumerable.Range(0, 8).Select(caller => Task.Run(() => CallPairsAsync(client, caller, 250))));
        await done.CancelAsync();
        await flushing;

        Assert.All(pairs, Assert.Empty);
        Assert.True(flushes > 10, $"{flushes} flushes");
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Script_called_after_a_flush_runs_once(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind);
        await using var client = Clients.To(server);
        await client.Call(Append.Call().AddKey("l").AddArg(1));
        await client.Do("SCRIPT", "FLUSH");

        var issued = Enumerable.Range(2, 100).Select(i => client.Call(Append.Call().AddKey("l").AddArg(i)).AsTask()).ToArray();
        await Task.WhenAll(issued);

        var items = await client.Do("LRANGE", "l", "0", "-1");
        Assert.Equal(Enumerable.Range(1, 101).Select(i => (long)i), items.AsList().Select(r => r.AsInteger()));
    }

    [Fact]
    public async Task Script_that_says_noscript_itself_is_not_sent_forever()
    {
        await using var client = Clients.To(await stores.GetAsync(StoreKind.Redis));
        var liar = new RedisScript("liar", "return redis.error_reply('NOSCRIPT not really')");

        foreach (var _ in (int[])[1, 2])
        {
            var error = await Assert.ThrowsAsync<RedisServerException>(async () => await client.Call(liar.Call()));
            Assert.Equal("NOSCRIPT not really", error.Message);
        }
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Replies_byte_by_byte_are_understood(StoreKind kind)
    {
        var server = await stores.GetAsync(kind);
        await using var proxy = TcpProxy.Start(server.Port);
        proxy.SplitReplies = true;
        await using var client = Clients.To(proxy.Url);
        var key = Clients.Key();

        await client.Do("RPUSH", key, "one", "two\r\nlines", "");

        Assert.Equal(["one", "two\r\nlines", ""], (await client.Do("LRANGE", key, "0", "-1")).AsList().Select(r => r.AsString()));
    }

    [Fact]
    public async Task Slow_caller_does_not_hold_up_others()
    {
        await using var client = Clients.To(await stores.GetAsync(StoreKind.Redis));
        await client.Do("PING");
        using var release = new ManualResetEventSlim();
        var slow = client.Do("PING").AsTask().ContinueWith(
            _ => release.Wait(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

        for (var i = 0; i < 10; i++)
        {
            await client.Do("PING");
        }

        release.Set();
        await slow;
    }

    [Fact]
    public async Task Reply_beyond_the_bound_ends_the_connection_and_is_told()
    {
        await using var client = Clients.To(await stores.GetAsync(StoreKind.Redis), o => o.MaxBulkBytes = 1_000);
        var key = Clients.Key();
        await client.Do("SET", key, new string('x', 1_001));

        var error = await Assert.ThrowsAsync<RedisConnectionLostException>(async () => await client.Do("GET", key));

        Assert.Contains("MaxBulkBytes is 1000", error.Message, StringComparison.Ordinal);
        Assert.Equal(1_001, (await client.Do("STRLEN", key)).AsInteger());
    }

    /// <summary>Issues an append and a count that depends on it, both before awaiting either; returns what was out of order.</summary>
    private static async Task<List<string>> CallPairsAsync(IRedisClient client, int caller, int pairs)
    {
        var wrong = new List<string>();
        var key = Clients.Key();
        for (var i = 1; i <= pairs; i++)
        {
            var append = client.Call(Append.Call().AddKey(key).AddArg(i)).AsTask();
            var count = client.Call(Count.Call().AddKey(key).AddArg(caller)).AsTask();
            await Task.WhenAll(append, count);
            if ((await append).AsInteger() != i || (await count).AsString() != $"{i}:{caller}")
            {
                wrong.Add($"call {i}: {(await append).AsInteger()}, {(await count).AsString()}");
            }
        }

        return wrong;
    }
}
