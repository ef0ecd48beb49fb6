using System.Text;
using Gristmill.Testing;

namespace Gristmill.Redis.Tests;

public sealed class CommandTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly RedisScript Failing = new("failing", "return redis.call('LPUSH', KEYS[1], 'x')");

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Command_with_every_kind_of_argument_reaches_the_server(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));
        var key = Clients.Key();

        await client.Do(new RedisCommand("RPUSH").Add(key).Add("tëxt").Add(-42).Add(1.5).Add([0, 13, 10, 255]));
        var items = await client.Do("LRANGE", key, "0", "-1");

        Assert.Equal(4, items.Count);
        Assert.Equal("tëxt", items[0].AsString());
        Assert.Equal(-42, items[1].AsInteger());
        Assert.Equal(1.5, items[2].AsDouble());
        Assert.Equal([0, 13, 10, 255], items[3].Bytes.ToArray());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Server_after_connect_is_recognised(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));
        await client.Do("PING");

        Assert.True(client.IsConnected);
        Assert.Equal(kind == StoreKind.Garnet, client.Server!.IsGarnet);
        Assert.Equal(kind == StoreKind.Garnet ? "garnet 2.2.8" : $"redis {client.Server.Version}", client.Server.ToString());
        Assert.Equal(3, client.Server.Protocol);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Client_name_is_shown_by_the_server(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind), o => o.ClientName = "mill-7");

        Assert.Equal("mill-7", (await client.Do("CLIENT", "GETNAME")).AsString());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Database_of_the_url_is_selected(StoreKind kind)
    {
        var server = await stores.GetAsync(kind);
        await using var zero = Clients.To(server);
        await using var three = Clients.To($"{server.Url}/3");
        var key = Clients.Key();

        await three.Do("SET", key, "here");

        Assert.True((await zero.Do("GET", key)).IsNull);
        Assert.Equal("here", (await three.Do("GET", key)).AsString());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Command_on_the_wrong_type_throws_its_code(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));
        var key = Clients.Key();
        await client.Do("SET", key, "text");

        var plain = await Assert.ThrowsAsync<RedisServerException>(async () => await client.Do("LPUSH", key, "x"));
        var script = await Assert.ThrowsAsync<RedisServerException>(async () => await client.Call(Failing.Call().AddKey(key)));

        Assert.Equal("WRONGTYPE", plain.Code);
        Assert.Equal("WRONGTYPE", script.Code);
        Assert.True(script.MayHaveExecuted);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Script_that_returns_an_error_of_its_own_throws_that_code(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));
        var own = new RedisScript("own", "return redis.error_reply('STALE the lease is lost')");

        var error = await Assert.ThrowsAsync<RedisServerException>(async () => await client.Call(own.Call()));

        Assert.Equal("STALE", error.Code);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Script_reply_of_nested_arrays_keeps_its_shape(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));
        var nested = new RedisScript("nested", "return {1, 'two', {3, {'four'}}, {}, false}");

        var reply = await client.Call(nested.Call());

        Assert.Equal(1, reply[0].AsInteger());
        Assert.Equal("two", reply[1].AsString());
        Assert.Equal("four", reply[2][1][0].AsString());
        Assert.Equal(0, reply[3].Count);
        Assert.True(reply[4].IsNull);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Script_with_a_large_batch_of_arguments_gets_them_all(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));
        var echo = new RedisScript("echo", "return {KEYS[1], #ARGV, ARGV[1], ARGV[#ARGV]}");
        var call = echo.Call().AddKey("k");
        for (var i = 0; i < 2_500; i++)
        {
            call.AddArg(i);
        }

        var reply = await client.Call(call);

        Assert.Equal(["k", "2500", "0", "2499"], reply.AsList().Select(r => r.AsString()));
    }

    [Fact]
    public async Task Command_sent_twice_is_refused()
    {
        await using var client = Clients.To(await stores.GetAsync(StoreKind.Redis));
        var command = new RedisCommand("PING");
        await client.Do(command);

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await client.Do(command));
    }

    [Theory, InlineData("BLPOP"), InlineData("blmove"), InlineData("MULTI"), InlineData("SELECT"), InlineData("SUBSCRIBE")]
    public async Task Command_that_would_hold_up_others_is_refused(string name)
    {
        await using var client = Clients.To(await stores.GetAsync(StoreKind.Redis));

        await Assert.ThrowsAsync<ArgumentException>(async () => await client.Do(new RedisCommand(name)));
    }

    [Fact]
    public async Task Key_behind_an_argument_is_refused()
    {
        await Task.CompletedTask;
        Assert.Throws<InvalidOperationException>(() => Failing.Call().AddArg("a").AddKey("k"));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Large_value_makes_the_round_trip(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));
        var key = Clients.Key();
        var value = Encoding.ASCII.GetBytes(new string('v', 5 << 20));

        await client.Do(new RedisCommand("SET").Add(key).Add(value));

        Assert.True((await client.Do("GET", key)).Bytes.Span.SequenceEqual(value));
        await client.Do("DEL", key);
    }
}
