using Gristmill.Grains.Options;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary>What happens to running jobs when silo and store lose sight of each other.</summary>
public sealed class LeaseTests(SharedStores stores) : IClassFixture<SharedStores>
{
    // Rights over everything but the queue's channels: as "ACL SETUSER … ~* +@all" makes a user on Redis 7.
    private const string OtherChannels = "&gristmill:cluster:*";

    [Fact]
    public async Task User_that_may_not_publish_claims_nothing_and_is_told_what_it_lacks()
    {
        await using var server = await Stores.StartAsync(StoreKind.Redis);
        await using var stage = Stage.On(server);
        await stage.DoAsync("ACL", "SETUSER", "mill", "on", ">pass", "~*", "+@all", "resetchannels", OtherChannels);
        await stage.PushAsync("""{"n":1}""");
        var silo = await stage.StartSiloAsync(url: server.Url.Replace("redis://", "redis://mill:pass@", StringComparison.Ordinal));
        await silo.StatusAsync("it says what is missing", s => s.Trouble is { } trouble && trouble.Contains("NOPERM", StringComparison.Ordinal) && trouble.Contains("&gristmill:*", StringComparison.Ordinal));
        await silo.StatusAsync("it still does", s => s.Trouble is not null);
        Assert.Equal((1, 0), (await stage.LengthAsync(stage.List), (await stage.DoAsync("HLEN", stage.Store.Keys.Of("silos"))).AsInteger()));

        await stage.DoAsync("ACL", "SETUSER", "mill", "&gristmill:*");
        await stage.CompletedAsync(1);
        await silo.StatusAsync("all is well", s => s.Trouble is null);
        Assert.Equal([1], stage.Orders.Numbers);
    }

    [Fact]
    public async Task User_that_may_not_publish_any_more_stops_claiming_and_says_so()
    {
        await using var server = await Stores.StartAsync(StoreKind.Redis);
        await using var stage = Stage.On(server);
        await stage.DoAsync("ACL", "SETUSER", "mill", "on", ">pass", "~*", "+@all", "&*");
        var silo = await stage.StartSiloAsync(silo: o => o.LeaseSeconds = 60, url: server.Url.Replace("redis://", "redis://mill:pass@", StringComparison.Ordinal));
        await stage.PushAsync("""{"n":1}""");
        await stage.CompletedAsync(1);
        await stage.DoAsync("ACL", "SETUSER", "mill", "resetchannels", OtherChannels);
        await stage.PushAsync("""{"n":2}""");
        await silo.StatusAsync("the lease waits for the right", s => s.Trouble is { } trouble && trouble.StartsWith("The lease cannot be renewed: ", StringComparison.Ordinal) && trouble.Contains("&gristmill:*", StringComparison.Ordinal));

        await stage.DoAsync("ACL", "SETUSER", "mill", "&gristmill:*");
        await stage.CompletedAsync(2);
        await silo.StatusAsync("all is well", s => s.Trouble is null);
        Assert.Equal([1, 2], stage.Orders.Numbers);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Stall_longer_than_the_lease_ends_handlers_uncharged_and_jobs_run_again(StoreKind kind)
    {
        var server = await stores.GetAsync(kind);
        await using var stage = Stage.On(server);
        await using var proxy = TcpProxy.Start(server.Port);
        var silo = await stage.StartSiloAsync(silo: o => o.LeaseSeconds = 1, url: proxy.Url);
        await stage.PushAsync("""{"n":1,"job_id":"a","do":"hold"}""", """{"n":2,"job_id":"b","do":"hold"}""");
        await stage.Orders.CalledAsync(2);
        proxy.Stall();
        await stage.Orders.ToldAsync(1);
        await stage.Orders.ToldAsync(2);
        Assert.Equal(1, silo.Log.Count(1002));
        proxy.Resume();
        await stage.Orders.CalledAsync(1, 2);
        await stage.Orders.CalledAsync(2, 2);
        stage.Orders.Release(1);
        stage.Orders.Release(2);
        foreach (var id in new[] { "a", "b" })
        {
            var job = await stage.JobAsync(id, JobState.Completed);
            Assert.Equal((1, 0, 0), (job.Attempt, job.Header.Lost, job.Header.Errors.Count));
        }

        await stage.CompletedAsync(2);
        await silo.StatusAsync("nothing is held or runs", s => (s.Held, s.Running, s.Trouble) == (0, 0, null));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Persistent_store_restarted_in_the_middle_loses_nothing(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind, persistent: true);
        await using var stage = Stage.On(server);
        await stage.StartSiloAsync(q => q.Concurrency = 20);
        await stage.PushAsync([.. Enumerable.Range(1, 10).Select(n => $$"""{"n":{{n}},"job_id":"h{{n}}","do":"hold"}""")]);
        await stage.PushAsync([.. Enumerable.Range(11, 490).Select(n => $$"""{"n":{{n}}}""")]);
        await stage.Orders.CalledAsync(10);
        await server.StopAsync();
        for (var n = 1; n <= 5; n++) stage.Orders.Release(n);
        await server.StartAgainAsync();
        for (var n = 6; n <= 10; n++) stage.Orders.Release(n);

        // Garnet's log can end in the midst of a script; the totals can then be off, the records never.
        await stage.CountsAsync("500 jobs are finished", c => c is { Kept: >= 500, Running: 0, Queued: 0 }, TimeSpan.FromSeconds(60));
        Assert.Equal(Enumerable.Range(1, 500), stage.Orders.Numbers.Distinct().Order());
        Assert.Equal(0, (await stage.CountAsync()).Dead);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Flush_in_the_middle_ends_what_ran_and_goes_on_with_what_comes(StoreKind kind)
    {
        await using var server = await Stores.StartAsync(kind);
        await using var stage = Stage.On(server);
        var silo = await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1,"do":"stubborn"}""", """{"n":2,"do":"hang"}""");
        await stage.Orders.CalledAsync(2);
        var before = stage.Orders.Calls.Select(c => c.Job.JobId).ToList();
        await stage.DoAsync("FLUSHDB");
        await stage.Orders.ToldAsync(1);
        await stage.Orders.ToldAsync(2);
        await stage.PushAsync("""{"n":3}""");
        await stage.CompletedAsync(1);
        Assert.DoesNotContain(stage.Orders.Calls.Single(c => c.N == 3).Job.JobId, before);
        stage.Orders.Release(1);
        await Soon.TrueAsync("the late result is dropped", () => silo.Log.Count(1033) == 2);
        await silo.StatusAsync("no slot is lost", s => (s.Held, s.Running) == (0, 0));
        Assert.Equal(1, (await stage.CountAsync()).Totals["completed"]);
        Assert.Equal(1, silo.Log.Count(1005));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Connections_cut_in_the_midst_of_replies_lose_and_repeat_nothing(StoreKind kind)
    {
        var server = await stores.GetAsync(kind);
        await using var stage = Stage.On(server);
        await using var proxy = TcpProxy.Start(server.Port);
        var silo = await stage.StartSiloAsync(q => q.Concurrency = 50, url: proxy.Url);
        await stage.PushAsync("""{"n":0}""");
        await stage.CompletedAsync(1);
        var random = new Random(11);
        for (var round = 0; round < 6; round++)
        {
            proxy.CutAfterReplyBytes(random.Next(20_000));
            await stage.PushAsync([.. Enumerable.Range(1 + round * 500, 500).Select(n => $$"""{"n":{{n}}}""")]);
            await stage.CountsAsync("some of it is done", c => c.Totals["completed"] >= 1 + round * 500 + 200, TimeSpan.FromSeconds(30));
        }

        await stage.CompletedAsync(3001);
        Assert.Equal(Enumerable.Range(0, 3001), stage.Orders.Numbers.Distinct().Order());
        var counts = await stage.CountAsync();
        Assert.Equal((3001, 0, 0), (counts.Kept, counts.Dead, counts.Totals["lost"]));
        Assert.Equal(0, silo.Log.Count(1004));
        await silo.StatusAsync("nothing is held", s => (s.Held, s.Running) == (0, 0));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Jobs_of_a_claim_whose_reply_was_lost_are_given_back(StoreKind kind)
    {
        var server = await stores.GetAsync(kind);
        await using var stage = Stage.On(server);
        await using var proxy = TcpProxy.Start(server.Port);
        var silo = await stage.StartSiloAsync(url: proxy.Url);
        await stage.PushAsync("""{"n":0}""");
        await stage.CompletedAsync(1);

        // The payload passes once, when it wakes the silo: the reply of its claim cannot arrive.
        proxy.CutAfterReplyBytes(300_000);
        await stage.PushAsync($$"""{"n":1,"job_id":"lost","pad":"{{new string('x', 200_000)}}"}""");
        var job = await stage.JobAsync("lost", JobState.Completed);
        Assert.Equal((1, 0), (job.Attempt, job.Header.Lost));
        Assert.Equal(1, silo.Log.Count(1006));
        Assert.Equal([0, 1], stage.Orders.Numbers);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Silo_cut_off_is_taken_over_and_its_late_result_refused(StoreKind kind)
    {
        var server = await stores.GetAsync(kind);
        await using var stage = Stage.On(server);
        await using var proxy = TcpProxy.Start(server.Port);
        var first = await stage.StartSiloAsync(silo: o => o.LeaseSeconds = 1, url: proxy.Url);
        await stage.PushAsync("""{"n":1,"job_id":"contested","do":"stubborn"}""");
        await stage.Orders.CalledAsync(1);
        await stage.StartSiloAsync(silo: o => o.LeaseSeconds = 1);
        proxy.Stall();
        await stage.Orders.CalledAsync(1, 2);
        Assert.Equal(["silo1", "silo2"], stage.Orders.Calls.Select(c => c.Silo));
        stage.Orders.Release(1);
        var job = await stage.JobAsync("contested", JobState.Completed);
        Assert.Equal(("silo2", 1), (job.Silo, job.Header.Lost));
        proxy.Resume();
        await Soon.TrueAsync("the late result is refused", () => first.Log.Count(1033) + first.Log.Count(1032) > 0);
        Assert.Equal(1, (await stage.CountAsync()).Totals["completed"]);
        Assert.Equal("silo2", (await stage.FindAsync("contested"))!.Silo);
        await stage.PushAsync([.. Enumerable.Range(10, 200).Select(n => $$"""{"n":{{n}}}""")]);
        await stage.CompletedAsync(201);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Two_silos_share_the_work_and_each_job_has_one_outcome(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        void Few(QueueOptions q) => q.Concurrency = 5;
        await stage.StartSiloAsync(Few);
        await stage.StartSiloAsync(Few);
        await stage.PushAsync([.. Enumerable.Range(1, 10).Select(n => $$"""{"n":{{n}},"do":"hold"}""")]);
        await stage.Orders.TotalAsync(10);
        Assert.Equal([5, 5], stage.Orders.Calls.GroupBy(c => c.Silo).Select(g => g.Count()));
        await stage.PushAsync([.. Enumerable.Range(11, 1990).Select(n => $$"""{"n":{{n}}}""")]);
        for (var n = 1; n <= 10; n++) stage.Orders.Release(n);
        await stage.CompletedAsync(2000);
        Assert.Equal(Enumerable.Range(1, 2000), stage.Orders.Numbers.Order());
    }

    [Fact]
    public async Task Handlers_that_block_their_threads_do_not_cost_the_lease()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync(q => q.Concurrency = 24);
        await stage.PushAsync([.. Enumerable.Range(1, 24).Select(n => $$"""{"n":{{n}},"do":"block"}""")]);
        await stage.Orders.CalledAsync(1);
        await stage.CompletedAsync(24);
        Assert.DoesNotContain(silo.Log.Lines, l => l.Event is 1001 or 1002);
        Assert.Equal(24, stage.Orders.Calls.Count);
    }
}
