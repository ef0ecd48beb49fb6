using Gristmill.Engine.Tests.Contract.Grains;
using Gristmill.Testing;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>
/// States outlive activations, and of two writers the one with the older version loses. Two silos that do not know of
/// each other stand for the moment in which a cluster has two activations of one grain.
/// </summary>
public sealed class StateTests(SharedStores stores) : IClassFixture<SharedStores>
{
    public static IEnumerable<object[]> Both() => Stores.Both();

    [Theory, MemberData(nameof(Both))]
    public async Task State_that_was_never_written_is_new_and_has_no_version(StoreKind kind)
    {
        await using var host = await StartAsync(kind);
        var view = await host.Grain<IStoredGrain>().Read();
        Assert.Equal((null, 0, null, false), (view.Text, view.Writes, view.Etag, view.Exists));
    }

    [Theory, MemberData(nameof(Both))]
    public async Task State_written_is_there_after_a_restart(StoreKind kind)
    {
        var service = NewService();
        StoredView written;
        await using (var host = await StartAsync(kind, service))
        {
            written = await host.Grain<IStoredGrain>("a {b}:c").Write("grüße 🌾");
            await host.Grain<IStoredGrain>("a {b}:c").WriteNotes("note");
        }

        await using var again = await StartAsync(kind, service);
        var read = await again.Grain<IStoredGrain>("a {b}:c").Read();
        Assert.Equal(("grüße 🌾", 1, written.Etag, true, "note"), (read.Text, read.Writes, read.Etag, read.Exists, read.Notes));
        Assert.False((await again.Grain<IStoredGrain>("another").Read()).Exists);
    }

    [Theory, MemberData(nameof(Both))]
    public async Task State_cleared_is_gone_and_can_be_written_again(StoreKind kind)
    {
        var service = NewService();
        await using var host = await StartAsync(kind, service);
        var first = await host.Grain<IStoredGrain>("a").Write("one");
        var cleared = await host.Grain<IStoredGrain>("a").Clear();
        Assert.Equal((null, null, false), (cleared.Text, cleared.Etag, cleared.Exists));
        var second = await host.Grain<IStoredGrain>("a").Write("two");
        Assert.NotEqual(first.Etag, second.Etag);
        Assert.Equal(1, second.Writes);
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Writes_asked_for_at_once_run_one_after_the_other(StoreKind kind)
    {
        await using var host = await StartAsync(kind);
        var view = await host.Grain<IStoredGrain>("a").WriteMany(20);
        Assert.Equal(20, view.Writes);
        Assert.Equal(view.Etag, (await host.Grain<IStoredGrain>("a").ReadAgain()).Etag);
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Writer_with_an_older_version_loses_and_its_activation_ends(StoreKind kind)
    {
        var service = NewService();
        await using var one = await StartAsync(kind, service);
        await using var two = await StartAsync(kind, service);
        var stale = await one.Grain<IStoredGrain>("a").Read();
        await two.Grain<IStoredGrain>("a").Write("two");
        var error = await Assert.ThrowsAsync<GristmillException>(() => one.Grain<IStoredGrain>("a").Write("one"));
        Assert.Equal(GristmillErrorKind.Conflict, error.Kind);
        Assert.Equal(typeof(InconsistentStateException).FullName, error.TypeName);
        var fresh = await one.Grain<IStoredGrain>("a").Read();
        Assert.NotEqual(stale.Activation, fresh.Activation);
        Assert.Equal("two", fresh.Text);
        Assert.Equal(2, (await one.Grain<IStoredGrain>("a").Write("again")).Writes);
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Writer_with_an_older_version_that_catches_it_stays_and_can_read_again(StoreKind kind)
    {
        var service = NewService();
        await using var one = await StartAsync(kind, service);
        await using var two = await StartAsync(kind, service);
        var stale = await one.Grain<IStoredGrain>("a").Write("one");
        await two.Grain<IStoredGrain>("a").Write("two");
        Assert.Equal(EngineTraits.LostWrite, await one.Grain<IStoredGrain>("a").WriteCatching("one again"));
        var view = await one.Grain<IStoredGrain>("a").ReadAgain();
        Assert.Equal((stale.Activation, "two"), (view.Activation, view.Text));
        Assert.Equal("written", await one.Grain<IStoredGrain>("a").WriteCatching("three"));
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Clear_and_write_anew_by_another_is_not_taken_for_the_same_version(StoreKind kind)
    {
        var service = NewService();
        await using var one = await StartAsync(kind, service);
        await using var two = await StartAsync(kind, service);
        await one.Grain<IStoredGrain>("a").Write("one");
        await two.Grain<IStoredGrain>("a").Clear();
        await two.Grain<IStoredGrain>("a").Write("two");
        Assert.Equal(EngineTraits.LostWrite, await one.Grain<IStoredGrain>("a").WriteCatching("one"));
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Services_on_one_store_do_not_share_states(StoreKind kind)
    {
        await using var one = await StartAsync(kind);
        await using var two = await StartAsync(kind);
        await one.Grain<IStoredGrain>("a").Write("one");
        Assert.False((await two.Grain<IStoredGrain>("a").Read()).Exists);
    }

    private static string NewService() => $"test-{Guid.NewGuid():N}";

    private async Task<EngineHost> StartAsync(StoreKind kind, string? service = null) => await EngineHost.StartAsync(
        new HostSettings { RedisUrl = (await stores.GetAsync(kind)).Url, ServiceId = service ?? NewService() });
}
