using Gristmill.Store;
using Gristmill.Testing;
using Orleans.Core.Internal;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary>Orleans may end any activation at any time, a bridge too, on a silo that lives on.</summary>
public sealed class OrleansEngineBridgeTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const int LeaseHeld = 1000;

    [Fact]
    public async Task Bridge_whose_activation_is_ended_works_no_more_and_another_takes_its_place()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1,"job_id":"a","do":"hold"}""");
        await stage.Orders.CalledAsync(1);
        var bridge = silo.Grains.GetGrain<IBridgeGrain>($"{Stage.Queue}@{silo.Name}");
        await bridge.AsReference<IGrainManagementExtension>().DeactivateOnIdle(TestContext.Current.CancellationToken);

        // What it ran is told to end with it, and runs again under a lease of the next.
        await stage.Orders.ToldAsync(1);
        await stage.Orders.CalledAsync(1, 2);
        Assert.Equal(2, silo.Log.Count(LeaseHeld));
        stage.Orders.Release(1);
        await stage.JobAsync("a", JobState.Completed);
        await stage.PushAsync([.. Enumerable.Range(2, 50).Select(n => $$"""{"n":{{n}}}""")]);
        await stage.CompletedAsync(51);
        Assert.Equal(Enumerable.Range(2, 50), stage.Orders.Numbers.Where(n => n > 1).Order());
    }

    [Fact]
    public async Task Bridge_is_bound_to_its_silo_and_other_silos_do_not_reach_it()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var (one, two) = (await stage.StartSiloAsync(), await stage.StartSiloAsync());
        var error = await Assert.ThrowsAsync<GristmillException>(() => two.Grains.GetGrain<IBridgeGrain>($"{Stage.Queue}@{one.Name}").GetStatusAsync());
        Assert.Equal(GristmillErrorKind.Refused, error.Kind);
        Assert.False((await one.StatusAsync()).Stopped);
    }
}
