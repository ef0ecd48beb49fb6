using Gristmill.Testing;

namespace Gristmill.Redis.Tests;

public sealed class HandshakeTests
{
    /// <summary>ASCII, since Garnet takes no other password from its command line.</summary>
    private const string Password = "p@ss w/o:rd%";

    [Fact]
    public async Task Server_without_hello_is_spoken_to_in_resp2()
    {
        await using var server = await RedisServer.StartAsync(new RedisServerSettings
        {
            Password = Password + "ö",
            Arguments = ["--rename-command", "HELLO", ""],
        });
        await using var client = Clients.To($"{server.Url}/2", o => o.ClientName = "old");

        Assert.Equal("PONG", (await client.Do("PING")).AsString());
        Assert.Equal(2, client.Server!.Protocol);
        Assert.StartsWith("redis 7", client.Server.ToString(), StringComparison.Ordinal);
        Assert.Equal("old", (await client.Do("CLIENT", "GETNAME")).AsString());
        await client.Do("HSET", "h", "f", "v");
        Assert.Equal(["f", "v"], (await client.Do("HGETALL", "h")).AsList().Select(r => r.AsString()));
        Assert.True((await client.Do("GET", "none")).IsNull);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Resp2_by_choice_works_like_resp3(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind, password: Password);
        await using var client = Clients.To(server, o => o.Protocol = RedisProtocol.Resp2);
        await client.Do("HSET", "h", "f", "v");
        await using var subscription = await client.SubscribeAsync("c", TestContext.Current.CancellationToken);

        Assert.Equal(["f", "v"], (await client.Do("HGETALL", "h")).AsList().Select(r => r.AsString()));
        Assert.Equal(2, client.Server!.Protocol);
        Assert.Equal(kind == StoreKind.Garnet, client.Server.IsGarnet);
        await client.Do("PUBLISH", "c", "hello");
        Assert.Equal("hello", (await subscription.NextAsync()).Text);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Password_that_is_right_lets_in_and_is_shown_nowhere(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind, password: Password);
        await using var client = Clients.To(server);

        Assert.Equal("PONG", (await client.Do("PING")).AsString());
        Assert.Equal($"redis://:***@127.0.0.1:{server.Port}/0", client.Describe());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Password_that_is_wrong_fails_at_once_with_the_code(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind, password: Password);
        await using var client = Clients.To($"redis://:wrong-secret@127.0.0.1:{server.Port}", o => o.CommandTimeout = TimeSpan.FromMinutes(5));

        var error = await Assert.ThrowsAsync<RedisUnavailableException>(async () => await client.Do("PING"));

        Assert.Equal("WRONGPASS", Assert.IsType<RedisServerException>(error.InnerException).Code);
        Assert.False(error.MayHaveExecuted);
        Assert.DoesNotContain("wrong-secret", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-secret", client.LastError!.ToString(), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Password_that_is_missing_fails_at_once_with_the_code(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind, password: Password);
        await using var client = Clients.To($"redis://127.0.0.1:{server.Port}", o => o.CommandTimeout = TimeSpan.FromMinutes(5));

        var error = await Assert.ThrowsAsync<RedisUnavailableException>(async () => await client.Do("PING"));

        Assert.Equal("NOAUTH", Assert.IsType<RedisServerException>(error.InnerException).Code);
    }

    [Fact]
    public async Task Password_to_a_server_that_repeats_unknown_commands_is_not_in_the_message()
    {
        await using var server = await RedisServer.StartAsync(new RedisServerSettings
        {
            Password = Password,
            Arguments = ["--rename-command", "HELLO", ""],
        });
        await using var client = Clients.To($"redis://:some-secret@127.0.0.1:{server.Port}", o => o.Protocol = RedisProtocol.Resp3);
        await Eventually.TrueAsync("the client has tried", () => client.LastError is not null, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Contains("unknown command", client.LastError!.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("some-secret", client.LastError.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Acl_user_is_held_to_its_rights()
    {
        await using var server = await RedisServer.StartAsync("--user", "mill", "on", ">grain", "~job:*", "+@all", "-flushall", "-client");
        await using var client = Clients.To($"redis://mill:grain@127.0.0.1:{server.Port}");

        await client.Do("SET", "job:1", "x");
        var error = await Assert.ThrowsAsync<RedisServerException>(async () => await client.Do("SET", "other", "x"));

        Assert.Equal("NOPERM", error.Code);
        Assert.False(error.MayHaveExecuted);
        Assert.Equal("mill", (await client.Do("ACL", "WHOAMI")).AsString());
    }

    [Fact]
    public async Task Database_that_does_not_exist_is_told()
    {
        await using var server = await RedisServer.StartAsync();
        await using var client = Clients.To($"{server.Url}/99", o => o.CommandTimeout = TimeSpan.FromMilliseconds(300));

        var error = await Assert.ThrowsAsync<RedisUnavailableException>(async () => await client.Do("PING"));

        Assert.Contains("DB index is out of range", error.Message, StringComparison.Ordinal);
    }
}
