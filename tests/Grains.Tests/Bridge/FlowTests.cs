using Gristmill.Grains.Options;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary>From the list to the result, on a healthy store.</summary>
public sealed class FlowTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Pushed_item_is_completed_with_its_result(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":7,"session_id":"s1","job_id":"j7"}""");
        var job = await stage.JobAsync("j7", JobState.Completed);
        Assert.Equal("7", Stage.Result(job));
        Assert.Equal("""{"n":7,"session_id":"s1","job_id":"j7"}""", System.Text.Encoding.UTF8.GetString(job.Payload.Span));
        Assert.Equal(("s1", 1, "silo1"), (job.Header.SessionId, job.Attempt, job.Silo));
        Assert.Equal(0, await stage.LengthAsync(stage.List));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task One_slot_runs_items_in_the_order_of_their_push(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.PushAsync([.. Enumerable.Range(1, 50).Select(n => $$"""{"n":{{n}}}""")]);
        await stage.StartSiloAsync(q => q.Concurrency = 1);
        await stage.CompletedAsync(50);
        Assert.Equal(Enumerable.Range(1, 50), stage.Orders.Numbers);
        Assert.Equal(1, stage.Orders.Most);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Items_pushed_left_are_taken_from_the_right_in_order(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.DoAsync(["LPUSH", stage.List, .. Enumerable.Range(1, 50).Select(n => $$"""{"n":{{n}}}""")]);
        await stage.StartSiloAsync(q => (q.Concurrency, q.PopFrom) = (1, PopEnd.Right));
        await stage.CompletedAsync(50);
        Assert.Equal(Enumerable.Range(1, 50), stage.Orders.Numbers);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Lists_are_taken_by_priority(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.PushToAsync(stage.List + ":low", [.. Enumerable.Range(21, 10).Select(n => $$"""{"n":{{n}}}""")]);
        await stage.PushToAsync(stage.List, [.. Enumerable.Range(11, 10).Select(n => $$"""{"n":{{n}}}""")]);
        await stage.PushToAsync(stage.List + ":high", [.. Enumerable.Range(1, 10).Select(n => $$"""{"n":{{n}}}""")]);
        await stage.StartSiloAsync(q =>
        {
            q.Concurrency = 1;
            q.Lists = [new() { Name = stage.List + ":low", Priority = 8 }, new() { Name = stage.List + ":high", Priority = 2 }];
        });
        await stage.CompletedAsync(30);
        Assert.Equal(Enumerable.Range(1, 30), stage.Orders.Numbers);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Burst_of_5000_items_is_recorded_each_exactly_once(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var silo = await stage.StartSiloAsync();
        await stage.PushAsync([.. Enumerable.Range(1, 5000).Select(n => $$"""{"n":{{n}}}""")]);
        await stage.CompletedAsync(5000);
        Assert.Equal(Enumerable.Range(1, 5000), stage.Orders.Numbers.Order());
        Assert.Equal((5000, 0), ((await stage.CountAsync()).Kept, (await stage.CountAsync()).Queued));
        await silo.StatusAsync("nothing is held or runs", s => (s.Held, s.Running) == (0, 0));
        Assert.Equal((0, 0), (silo.Log.Count(1004), silo.Log.Count(1006)));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Idle_silo_is_woken_by_a_push(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1}""");
        await stage.CompletedAsync(1);
        var waits = new List<TimeSpan>();
        for (var n = 2; n <= 11; n++)
        {
            var from = TimeProvider.System.GetTimestamp();
            await stage.PushAsync($$"""{"n":{{n}}}""");
            await stage.Orders.CalledAsync(n);
            waits.Add(TimeProvider.System.GetElapsedTime(from));
        }

        // A poll each second would make the median half a second.
        Assert.InRange(waits.Order().ElementAt(5), TimeSpan.Zero, TimeSpan.FromMilliseconds(300));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Cluster_limit_holds_and_does_not_wait_for_polls(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.PushAsync([.. Enumerable.Range(1, 60).Select(n => $$"""{"n":{{n}}}""")]);
        var from = TimeProvider.System.GetTimestamp();
        await stage.StartSiloAsync(q => q.ClusterConcurrency = 2);
        await stage.CompletedAsync(60);
        Assert.InRange(stage.Orders.Most, 1, 2);
        Assert.InRange(TimeProvider.System.GetElapsedTime(from), TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Concurrency_is_never_exceeded(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync(q => q.Concurrency = 3);
        await stage.PushAsync([.. Enumerable.Range(1, 6).Select(n => $$"""{"n":{{n}},"do":"hold"}""")]);
        await stage.Orders.TotalAsync(3);
        await stage.EnqueueAsync((new JobHeader(), """{"n":7}"""));
        for (var n = 1; n <= 6; n++)
        {
            await stage.Orders.CalledAsync(n);
            stage.Orders.Release(n);
        }

        await stage.CompletedAsync(7);
        Assert.Equal(3, stage.Orders.Most);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Large_results_are_kept_whole(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        await stage.PushAsync([.. Enumerable.Range(1, 20).Select(n => $$"""{"n":{{n}},"job_id":"big{{n}}","do":"large","bytes":{{n * 40_000}}}""")]);
        await stage.CompletedAsync(20);
        for (var n = 1; n <= 20; n++) Assert.Equal(n * 40_000 + 2, (await stage.FindAsync($"big{n}"))!.Result.Length);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Finished_jobs_beyond_the_number_kept_are_forgotten(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync(q => q.KeepFinished = 100);
        await stage.PushAsync([.. Enumerable.Range(1, 3000).Select(n => $$"""{"n":{{n}}}""")]);
        await stage.CompletedAsync(3000);
        await stage.CountsAsync("at most 1,100 and a batch are kept", c => c.Kept is >= 100 and <= 1400, TimeSpan.FromSeconds(30));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Scheduled_job_starts_when_its_time_has_come(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        var due = (await stage.CountAsync()).Now.AddSeconds(1.5);
        await stage.PushAsync($$"""{"n":1,"job_id":"later","run_at":"{{due:O}}"}""", """{"n":2}""");
        await stage.JobAsync("later", JobState.Scheduled);
        await stage.Orders.CalledAsync(2);
        var job = await stage.JobAsync("later", JobState.Completed);
        Assert.InRange(job.StartedAt!.Value - due, TimeSpan.FromMilliseconds(-1), TimeSpan.FromSeconds(1));
        Assert.Equal([2, 1], stage.Orders.Numbers);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Dependent_jobs_run_when_what_they_wait_for_is_completed(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        await stage.PushAsync(
            """{"n":3,"job_id":"c","depends_on":["b"]}""", """{"n":2,"job_id":"b","depends_on":"a"}""", """{"n":9,"job_id":"z","depends_on":["bad"]}""",
            """{"n":1,"job_id":"a","do":"hold"}""", """{"n":4,"job_id":"bad","do":"fatal"}""");
        await stage.JobAsync("b", JobState.Deferred);
        stage.Orders.Release(1);
        await stage.JobAsync("c", JobState.Completed);
        Assert.Equal([1, 2, 3], stage.Orders.Numbers.Where(n => n < 4));
        Assert.Equal("dependency_failed", (await stage.JobAsync("z", JobState.Dead)).Header.Reason);
        Assert.DoesNotContain(9, stage.Orders.Numbers);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Payload_priorities_order_what_is_admitted(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync(q => q.Concurrency = 1);
        await stage.PushAsync("""{"n":1000,"do":"hold","priority":"high"}""");
        await stage.Orders.CalledAsync(1000);
        var mixed = Enumerable.Range(0, 90).Select(i => (Priority: i % 3 == 0 ? "low" : i % 3 == 1 ? "normal" : "high", N: i)).ToList();
        await stage.PushAsync([.. mixed.Select(m => $$"""{"n":{{m.N}},"priority":"{{m.Priority}}"}""")]);
        await stage.CountsAsync("all are admitted", c => c.Queued == 90);
        stage.Orders.Release(1000);
        await stage.CompletedAsync(91);
        var expected = mixed.OrderBy(m => m.Priority == "high" ? 0 : m.Priority == "normal" ? 1 : 2).ThenBy(m => m.N).Select(m => m.N);
        Assert.Equal(expected, stage.Orders.Numbers.Skip(1));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Same_id_pushed_100_times_is_one_job(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        await stage.PushAsync([.. Enumerable.Repeat("""{"n":1,"job_id":"one"}""", 50)]);
        await stage.JobAsync("one", JobState.Completed);
        await stage.PushAsync([.. Enumerable.Repeat("""{"n":1,"job_id":"one"}""", 50)]);
        await stage.CountsAsync("99 duplicates", c => c.Totals["duplicates"] == 99);
        Assert.Equal([1], stage.Orders.Numbers);
        Assert.Equal(1, (await stage.CountAsync()).Totals["completed"]);
    }
}
