using System.Globalization;
using Gristmill.Testing;

namespace Gristmill.Redis.Tests;

public sealed class SubscriptionTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Published_messages_reach_every_subscriber_in_order(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));
        var channel = Clients.Key("channel");
        await using var first = await client.SubscribeAsync(channel, Cancellation);
        await using var second = await client.SubscribeAsync(channel, Cancellation);
        await using var other = await client.SubscribeAsync(channel + ":other", Cancellation);

        for (var i = 0; i < 100; i++)
        {
            await client.Do("PUBLISH", channel, i.ToString(CultureInfo.InvariantCulture));
        }

        await client.Do("PUBLISH", channel + ":other", "x");
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal($"{i}", (await first.NextAsync()).Text);
            Assert.Equal($"{i}", (await second.NextAsync()).Text);
        }

        Assert.Equal("x", (await other.NextAsync()).Text);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Subscription_after_a_restart_of_the_server_says_gap_and_goes_on(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind);
        await using var client = Clients.To(server);
        await using var subscription = await client.SubscribeAsync("c", Cancellation);

        await server.KillAsync();
        await server.StartAgainAsync();

        Assert.Equal(RedisMessageKind.Gap, (await subscription.NextAsync()).Kind);
        await client.Do("PUBLISH", "c", "again");
        Assert.Equal("again", (await subscription.NextAsync()).Text);
    }

    [Fact]
    public async Task Subscription_over_a_network_that_stalls_says_gap_and_goes_on()
    {
        await using var server = await RedisServer.StartAsync();
        await using var proxy = TcpProxy.Start(server.Port);
        await using var listener = Clients.To(proxy.Url, o =>
        {
            o.KeepAlive = TimeSpan.FromMilliseconds(50);
            o.CommandTimeout = TimeSpan.FromMilliseconds(500);
            o.ConnectTimeout = TimeSpan.FromMilliseconds(500);
        });
        await using var publisher = Clients.To(server);
        await using var subscription = await listener.SubscribeAsync("c", Cancellation);
        proxy.Stall();
        await publisher.Do("PUBLISH", "c", "lost");
        await Eventually.TrueAsync("the listener has given up its second connection and made a third", () => proxy.Connections >= 3, cancellationToken: Cancellation);
        proxy.Resume();

        Assert.Equal(RedisMessageKind.Gap, (await subscription.NextAsync()).Kind);
        await publisher.Do("PUBLISH", "c", "again");
        Assert.Equal("again", (await subscription.NextAsync()).Text);
    }

    [Fact]
    public async Task Slow_reader_loses_the_oldest_and_is_told()
    {
        await using var client = Clients.To(await stores.GetAsync(StoreKind.Redis), o => o.SubscriptionBuffer = 10);
        var channel = Clients.Key("channel");
        await using var slow = await client.SubscribeAsync(channel, Cancellation);
        for (var i = 0; i < 30; i++)
        {
            await client.Do("PUBLISH", channel, i.ToString(CultureInfo.InvariantCulture));
        }

        await Eventually.EqualAsync(20L, () => Task.FromResult(slow.Dropped), cancellationToken: Cancellation);

        Assert.Equal(RedisMessageKind.Gap, (await slow.NextAsync()).Kind);
        for (var i = 20; i < 30; i++)
        {
            Assert.Equal($"{i}", (await slow.NextAsync()).Text);
        }
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Last_subscriber_that_leaves_takes_the_channel_off_the_server(StoreKind kind)
    {
        await using var client = Clients.To(await stores.GetAsync(kind));
        var channel = Clients.Key("channel");
        var first = await client.SubscribeAsync(channel, Cancellation);
        var second = await client.SubscribeAsync(channel, Cancellation);

        await first.DisposeAsync();
        Assert.Equal(1, (await client.Do("PUBLISH", channel, "x")).AsInteger());
        await second.DisposeAsync();
        await Eventually.EqualAsync(0L, async () => (await client.Do("PUBLISH", channel, "x")).AsInteger(), cancellationToken: Cancellation);

        await using var third = await client.SubscribeAsync(channel, Cancellation);
        await client.Do("PUBLISH", channel, "back");
        Assert.Equal("back", (await third.NextAsync()).Text);
    }

    [Fact]
    public async Task Subscribing_and_leaving_in_haste_loses_no_confirmed_message()
    {
        await using var client = Clients.To(await stores.GetAsync(StoreKind.Redis));
        var channel = Clients.Key("channel");
        for (var i = 0; i < 300; i++)
        {
            await using var subscription = await client.SubscribeAsync(channel, Cancellation);
            await client.Do("PUBLISH", channel, i.ToString(CultureInfo.InvariantCulture));
            Assert.Equal($"{i}", (await subscription.NextAsync()).Text);
        }
    }

    [Fact]
    public async Task Subscription_without_a_server_fails_as_unavailable()
    {
        await using var client = Clients.To($"redis://127.0.0.1:{Ports.Next()}", o => o.CommandTimeout = TimeSpan.FromMilliseconds(200));

        var error = await Assert.ThrowsAsync<RedisUnavailableException>(async () => await client.SubscribeAsync("c", Cancellation));

        Assert.Contains("Connection refused", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reader_ends_when_the_subscription_is_disposed()
    {
        await using var client = Clients.To(await stores.GetAsync(StoreKind.Redis));
        var subscription = await client.SubscribeAsync(Clients.Key("channel"), Cancellation);
        var reading = Task.Run(async () => await subscription.ReadAllAsync(Cancellation).CountAsync(Cancellation), Cancellation);

        await subscription.DisposeAsync();

        Assert.Equal(0, await reading);
    }
}
