using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary>The orderly end of a silo.</summary>
public sealed class StopTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly TimeSpan GiveUp = TimeSpan.FromSeconds(30);

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Running_jobs_end_within_the_limit_and_the_rest_stays(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var silo = await stage.StartSiloAsync(q => q.Concurrency = 2, o => o.ShutdownSeconds = 30);
        await stage.PushAsync([.. Enumerable.Range(1, 2).Select(n => $$"""{"n":{{n}},"do":"hold"}""")]);
        await stage.Orders.TotalAsync(2);
        await stage.PushAsync("""{"n":3}""");
        await stage.EnqueueAsync((new JobHeader(), """{"n":4}"""));
        var stopping = silo.StopAsync();
        await Soon.TrueAsync("it is stopping", () => silo.Log.Count(1050) == 1);
        stage.Orders.Release(1);
        stage.Orders.Release(2);
        await stopping.WaitAsync(GiveUp, TestContext.Current.CancellationToken);
        var counts = await stage.CountAsync();
        Assert.Equal((2, 1, 0), (counts.Totals["completed"], counts.Queued, counts.Running));
        Assert.Equal(1, await stage.LengthAsync(stage.List));
        Assert.Equal(2, stage.Orders.Calls.Count);
        Assert.Empty(stage.Orders.Told);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Jobs_over_the_limit_go_back_uncharged(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var silo = await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1,"job_id":"a","do":"hold"}""", """{"n":2,"do":"hold"}""");
        await stage.Orders.TotalAsync(2);
        await silo.StopAsync().WaitAsync(GiveUp, TestContext.Current.CancellationToken);
        var counts = await stage.CountAsync();
        Assert.Equal((2, 0, 0), (counts.Queued, counts.Running, counts.Totals["lost"]));
        Assert.Equal(2, stage.Orders.Told.Count);
        stage.Orders.Release(1);
        stage.Orders.Release(2);
        await stage.StartSiloAsync();
        await stage.CompletedAsync(2);
        var job = await stage.JobAsync("a", JobState.Completed);
        Assert.Equal((1, 0, 0), (job.Attempt, job.Header.Lost, job.Header.Errors.Count));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Handler_that_ignores_the_stop_loses_its_job_to_the_ready_set(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var silo = await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1,"job_id":"deaf","do":"stubborn"}""");
        await stage.Orders.CalledAsync(1);
        await silo.StopAsync().WaitAsync(GiveUp, TestContext.Current.CancellationToken);
        Assert.Equal(JobState.Queued, (await stage.FindAsync("deaf"))!.State);
        Assert.Equal(1, silo.Log.Count(1051));
        stage.Orders.Release(1);
        await stage.StartSiloAsync();
        var job = await stage.JobAsync("deaf", JobState.Completed);
        Assert.Equal(("silo2", 1, 0), (job.Silo, job.Attempt, job.Header.Lost));
        Assert.Equal(1, (await stage.CountAsync()).Totals["completed"]);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Stop_under_load_loses_nothing_and_runs_nothing_twice(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.PushAsync([.. Enumerable.Range(1, 4000).Select(n => $$"""{"n":{{n}},"job_id":"id{{n}}"}""")]);
        var silo = await stage.StartSiloAsync(silo: o => o.ShutdownSeconds = 20);
        await stage.Orders.TotalAsync(500);
        await silo.StopAsync().WaitAsync(GiveUp, TestContext.Current.CancellationToken);
        var counts = await stage.CountAsync();
        Assert.Equal((0, 0), (counts.Running, counts.Totals["lost"]));
        Assert.Equal(4000, counts.Totals["completed"] + counts.Queued + await stage.LengthAsync(stage.List));
        await stage.StartSiloAsync();
        await stage.CompletedAsync(4000);
        Assert.Equal(Enumerable.Range(1, 4000), stage.Orders.Numbers.Order());
    }

    [Fact]
    public async Task Stop_while_the_store_is_away_ends_all_the_same()
    {
        var server = await stores.GetAsync(StoreKind.Redis);
        await using var stage = Stage.On(server);
        await using var proxy = TcpProxy.Start(server.Port);
        var silo = await stage.StartSiloAsync(silo: o => o.LeaseSeconds = 1, url: proxy.Url);
        await stage.PushAsync("""{"n":1,"job_id":"a","do":"hold"}""");
        await stage.Orders.CalledAsync(1);
        await proxy.RefuseNewAsync();
        proxy.Cut();
        await silo.StopAsync().WaitAsync(GiveUp, TestContext.Current.CancellationToken);
        stage.Orders.Release(1);
        await stage.StartSiloAsync(silo: o => o.LeaseSeconds = 1);
        await stage.JobAsync("a", JobState.Completed);
    }

    [Fact]
    public async Task Silo_that_starts_before_its_store_serves_when_it_comes()
    {
        await using var server = await Stores.StartAsync(StoreKind.Redis);
        await using var stage = Stage.On(server);
        await server.StopAsync();
        var starting = stage.StartSiloAsync();
        if (TestEngine.StartsWithoutStore) await (await starting).StatusAsync("it says why", s => s.Trouble is not null);
        await server.StartAgainAsync();
        var silo = await starting;
        await stage.PushAsync("""{"n":1}""");
        await stage.CompletedAsync(1);
        await silo.StatusAsync("no trouble any more", s => s.Trouble is null);
    }
}
