using System.Diagnostics;
using Gristmill.Engine.Tests.Contract.Grains;
using Gristmill.Testing;

namespace Gristmill.Engine.Tests.Cluster;

/// <summary>Silos that share a Redis: placement, calls between them, and what becomes of both when one goes.</summary>
public sealed class ClusterTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly GristmillErrorKind Unavailable = GristmillErrorKind.Unavailable;

    public static IEnumerable<object[]> Both() => Stores.Both();

    [Theory, MemberData(nameof(Both))]
    public async Task Grain_called_from_all_silos_at_once_has_one_activation(StoreKind kind)
    {
        await using var cluster = await NewAsync(kind, "one", "two", "three");
        for (var round = 0; round < 20; round++)
        {
            var key = $"grain-{round}";
            var places = await Task.WhenAll(cluster.Names.Select(n => cluster[n].Grain<IPlaceGrain>(key).Where()));
            Assert.Single(places.Distinct());
            Assert.Equal([places[0]], cluster.Probe.SilosOf(key));
        }
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Placement_is_random_or_local_or_bound_as_the_class_says(StoreKind kind)
    {
        await using var cluster = await NewAsync(kind, "one", "two");
        var random = await Task.WhenAll(Enumerable.Range(0, 40).Select(n => cluster["one"].Grain<IPlaceGrain>($"r{n}").Where()));
        Assert.Equal(["one", "two"], random.Distinct().Order());
        Assert.Equal("one", await cluster["one"].Grain<ILocalPlaceGrain>("a").Where());
        Assert.Equal("one", await cluster["two"].Grain<ILocalPlaceGrain>("a").Where());
        Assert.Equal("two", await cluster["two"].Grain<IBoundPlaceGrain>("a").Where());
        Assert.Equal("one", await cluster["one"].Grain<IBoundPlaceGrain>("a").Where());
    }

    [Fact]
    public async Task Class_that_a_silo_does_not_host_is_never_placed_there()
    {
        await using var cluster = await NewAsync(StoreKind.Redis, "one");
        await cluster.StartAsync("older", options => options.GrainClasses.Remove(typeof(PlaceGrain)));
        var places = await Task.WhenAll(Enumerable.Range(0, 40).Select(n => cluster["one"].Grain<IPlaceGrain>($"{n}").Where()));
        Assert.Equal(["one"], places.Distinct());
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Calls_to_a_silo_that_dies_end_when_its_death_is_known_and_new_ones_find_another(StoreKind kind)
    {
        await using var cluster = await NewAsync(kind, "one", "two");
        var key = await KeyOnAsync(cluster, "one", "two");
        var waiting = cluster["one"].Grain<IPlaceGrain>(key).Wait("never");
        await cluster.Probe.Until("waiting:never");
        var clock = Stopwatch.StartNew();
        await cluster.KillAsync("two");
        var error = await Assert.ThrowsAsync<GristmillException>(() => waiting);
        Assert.Equal(Unavailable, error.Kind);
        Assert.Contains("is unknown", error.Message);
        Assert.Equal("one", await cluster["one"].Grain<IPlaceGrain>(key).Where());
        Assert.True(clock.Elapsed < TestCluster.Ttl + TimeSpan.FromSeconds(3), $"It took {clock.Elapsed}.");
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Silo_that_stops_hands_its_grains_over_and_no_call_fails(StoreKind kind)
    {
        await using var cluster = await NewAsync(kind, "one", "two", "three");
        using var stop = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 16).Select(caller => Task.Run(async () =>
        {
            for (var n = 0; !stop.IsCancellationRequested; n++)
                await cluster["one"].Grain<IPlaceGrain>($"{(caller * 7) + (n % 7)}").Where();
        })).ToList();
        await cluster.StopAsync("two");
        await cluster.StopAsync("three");
        await cluster.AgreedAsync();
        stop.Cancel();
        await Task.WhenAll(callers);
        Assert.Equal(["one"], (await Task.WhenAll(Enumerable.Range(0, 112).Select(n => cluster["one"].Grain<IPlaceGrain>($"{n}").Where()))).Distinct());
    }

    [Fact]
    public async Task Silo_that_drains_takes_no_new_activations_and_keeps_what_it_has()
    {
        await using var cluster = await NewAsync(StoreKind.Redis, "one", "two");
        var kept = await KeyOnAsync(cluster, "one", "two");
        await TestCluster.MembershipOf(cluster["two"]).DrainAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(
            "the other sees it", () => TestCluster.MembershipOf(cluster["one"]).CurrentSnapshot.Members.Any(m => m.Status == SiloStatus.ShuttingDown),
            cancellationToken: TestContext.Current.CancellationToken);
        var places = await Task.WhenAll(Enumerable.Range(0, 40).Select(n => cluster["two"].Grain<IPlaceGrain>($"new-{n}").Where()));
        Assert.Equal(["one"], places.Distinct());
        Assert.Equal("two", await cluster["one"].Grain<IPlaceGrain>(kept).Where());
        Assert.Equal("one", await cluster["two"].Grain<ILocalPlaceGrain>("a").Where());
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Silo_cut_off_is_counted_out_and_comes_back_with_a_new_generation(StoreKind kind)
    {
        await using var cluster = await NewAsync(kind, "one", "two");
        var (taken, kept) = (await KeyOnAsync(cluster, "one", "two"), await KeyOnAsync(cluster, "one", "two", "k"));
        var membership = TestCluster.MembershipOf(cluster["two"]);
        var before = membership.LocalSilo;
        cluster.ProxyOf("two").Stall();
        await Eventually.TrueAsync("it knows by its own clock", () => membership.IsCutOff, cancellationToken: TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(
            "it is counted out", () => TestCluster.MembershipOf(cluster["one"]).CurrentSnapshot.Members.Count == 1,
            cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("one", await cluster["one"].Grain<IPlaceGrain>(taken).Where());
        cluster.ProxyOf("two").Resume();
        await Eventually.TrueAsync(
            "it is active again", () => membership is { IsCutOff: false, LocalStatus: SiloStatus.Active } && membership.LocalSilo != before,
            cancellationToken: TestContext.Current.CancellationToken);
        await cluster.AgreedAsync();

        // What another took over is given up; what nobody missed is still there, and known to be.
        Assert.Equal("one", await cluster["two"].Grain<IPlaceGrain>(taken).Where());
        await Eventually.TrueAsync("the duplicate ends", () => cluster.Probe.SilosOf(taken) is ["one"], cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("two", await cluster["one"].Grain<IPlaceGrain>(kept).Where());
        Assert.Equal(["two"], cluster.Probe.SilosOf(kept));
    }

    [Fact]
    public async Task Bound_grain_runs_while_Redis_is_away_and_others_are_refused()
    {
        await using var cluster = await NewAsync(StoreKind.Redis, "one");
        await cluster.ProxyOf("one").RefuseNewAsync();
        cluster.ProxyOf("one").Cut();
        Assert.Equal("one", await cluster["one"].Grain<IBoundPlaceGrain>("a").Where());
        var error = await Assert.ThrowsAsync<GristmillException>(() => cluster["one"].Grain<IPlaceGrain>("a").Where());
        Assert.Equal(Unavailable, error.Kind);
        cluster.ProxyOf("one").AcceptNew();
        await Eventually.EqualAsync("one", () => cluster["one"].Grain<IPlaceGrain>("a").Where(), cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Calls_beyond_the_bounds_wait_in_line_and_then_are_refused()
    {
        await using var cluster = await NewAsync(StoreKind.Redis, "two");
        var one = await cluster.StartAsync("one", options => (options.MaxCallsInFlightPerSilo, options.MaxCallsWaitingPerSilo) = (4, 8));
        var grain = one.Grain<IPlaceGrain>(await KeyOnAsync(cluster, "one", "two"));
        var calls = Enumerable.Range(0, 4).Select(n => grain.Wait("gate")).ToList();
        await cluster.Probe.Until("waiting:gate");
        calls.AddRange(Enumerable.Range(0, 8).Select(n => grain.Wait("behind")));
        var error = await Assert.ThrowsAsync<GristmillException>(() => grain.Where());
        Assert.Equal(GristmillErrorKind.Overloaded, error.Kind);
        Assert.Contains(nameof(GrainEngineOptions.MaxCallsWaitingPerSilo), error.Message);
        Assert.False(cluster.Probe.Happened("waiting:behind"));
        cluster.Probe.Open("gate");
        cluster.Probe.Open("behind");
        Assert.Equal(12, (await Task.WhenAll(calls)).Sum());
        Assert.Equal("two", await grain.Where());
    }

    [Fact]
    public async Task OneWay_call_reaches_a_grain_on_another_silo()
    {
        await using var cluster = await NewAsync(StoreKind.Redis, "one", "two");
        var key = await KeyOnAsync(cluster, "one", "two");
        await cluster["one"].Grain<IPlaceGrain>(key).Post("posted");
        await cluster.Probe.Until("posted");
    }

    /// <summary>A key whose grain is active on a silo.</summary>
    internal static async Task<string> KeyOnAsync(TestCluster cluster, string caller, string silo, string prefix = "key")
    {
        for (var n = 0; ; n++)
        {
            if (await cluster[caller].Grain<IPlaceGrain>($"{prefix}-{n}").Where() == silo)
                return $"{prefix}-{n}";
        }
    }

    private async Task<TestCluster> NewAsync(StoreKind kind, params string[] silos)
    {
        var cluster = new TestCluster(await stores.GetAsync(kind));
        foreach (var silo in silos)
            await cluster.StartAsync(silo);
        return cluster;
    }
}
