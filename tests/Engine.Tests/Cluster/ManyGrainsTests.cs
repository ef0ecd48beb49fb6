using System.Diagnostics;
using Gristmill.Engine.Tests.Contract.Grains;
using Gristmill.Testing;

namespace Gristmill.Engine.Tests.Cluster;

/// <summary>A thousand grains called from every silo while silos come, stop and are killed.</summary>
public sealed class ManyGrainsTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const int Grains = 1_000;

    [Fact]
    public async Task Thousand_grains_have_one_activation_each_whenever_the_cluster_is_stable()
    {
        await using var cluster = new TestCluster(await stores.GetAsync(StoreKind.Redis));
        foreach (var name in new[] { "one", "two", "three" })
            await cluster.StartAsync(name);
        await AllAsync(cluster);
        await cluster.StartAsync("four");
        await AllAsync(cluster);
        await cluster.StopAsync("two");
        await AllAsync(cluster);

        await cluster.KillAsync("three");
        await cluster.AgreedAsync();
        var expired = Stopwatch.StartNew();
        await RecoveredAsync(cluster);
        Assert.True(expired.Elapsed < TimeSpan.FromSeconds(3), $"Calls recovered {expired.Elapsed} after the expiry.");
        await AllAsync(cluster);

        cluster.ProxyOf("four").Stall();
        var cut = TestCluster.MembershipOf(cluster["four"]);
        var before = cut.LocalSilo;
        await Eventually.TrueAsync(
            "four is counted out", () => TestCluster.MembershipOf(cluster["one"]).CurrentSnapshot.Find(before.Id) is null,
            cancellationToken: TestContext.Current.CancellationToken);
        await CallAsync(cluster, "one");
        cluster.ProxyOf("four").Resume();
        await Eventually.TrueAsync(
            "four is active again", () => cut is { LocalStatus: SiloStatus.Active, IsCutOff: false } && cut.LocalSilo != before,
            cancellationToken: TestContext.Current.CancellationToken);
        await cluster.AgreedAsync();
        await AllAsync(cluster);
    }

    // Every grain from every silo: one answer, and one activation.
    private static async Task AllAsync(TestCluster cluster)
    {
        var places = await Task.WhenAll(cluster.Names.Select(name => CallAsync(cluster, name)));
        for (var grain = 0; grain < Grains; grain++)
        {
            Assert.Single(places.Select(p => p[grain]).Distinct());
            var key = $"{grain}";
            await Eventually.TrueAsync(
                $"grain {key} is active on {places[0][grain]} alone, and it is on {string.Join(", ", cluster.Probe.SilosOf(key))}",
                () => cluster.Probe.SilosOf(key) is [var only] && only == places[0][grain], cancellationToken: TestContext.Current.CancellationToken);
        }
    }

    private static Task<string[]> CallAsync(TestCluster cluster, string caller) =>
        Task.WhenAll(Enumerable.Range(0, Grains).Select(n => cluster[caller].Grain<IPlaceGrain>($"{n}").Where()));

    // Every grain answers every silo; until then its callers try again.
    private static Task RecoveredAsync(TestCluster cluster) => Task.WhenAll(
        from name in cluster.Names from grain in Enumerable.Range(0, Grains) select AnswersAsync(cluster[name].Grain<IPlaceGrain>($"{grain}")));

    private static async Task AnswersAsync(IPlaceGrain grain)
    {
        while (true)
        {
            try
            {
                await grain.Where();
                return;
            }
            catch (GristmillException unavailable) when (unavailable.Kind == GristmillErrorKind.Unavailable)
            {
                // Sent to the member that is gone.
            }
        }
    }
}
