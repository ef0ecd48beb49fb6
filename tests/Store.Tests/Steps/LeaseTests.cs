using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Steps;

public sealed class LeaseTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static ValueTask<ReapReply> ReapAsync(TestQueue queue, ReapOptions? options = null) => queue.Store.ReapAsync(options ?? TestQueue.Reaping, TestQueue.Stop);

    private static async Task<double> LeaseAsync(TestQueue queue) => (await queue.Do("ZSCORE", queue.Keys.Of("leases"), "g1")).AsDouble();

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Renewal_says_what_is_held_and_is_refused_without_a_lease(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.JoinAsync(TestQueue.Other);
        var (seq, counter) = await queue.RunningAsync("one");

        var mine = await queue.Store.RenewAsync("g1", "s", TestQueue.Ttl, false, null, null, TestQueue.Stop);
        var others = await queue.Store.RenewAsync("g2", "s", TestQueue.Ttl, false, null, null, TestQueue.Stop);
        var none = await queue.Store.RenewAsync("g3", "s", TestQueue.Ttl, false, null, null, TestQueue.Stop);

        Assert.Equal([new(seq, counter)], mine.Held);
        Assert.Empty(others.Held);
        Assert.Equal(StoreStatus.NoLease, none.Status);
        Assert.InRange(await LeaseAsync(queue) - await queue.NowAsync(), 590_000, 600_000);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Leaving_keeps_the_lease_while_jobs_are_held(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var (seq, counter) = await queue.RunningAsync("one");

        Assert.Equal(1, await queue.Store.LeaveAsync("g1", TestQueue.Stop));
        await queue.CompleteAsync(seq, counter);
        Assert.Equal(0, await queue.Store.LeaveAsync("g1", TestQueue.Stop));
        Assert.Equal(StoreStatus.NoLease, (await queue.StartAsync()).Status);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Gap_or_a_clock_set_back_extends_all_leases_once(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.RunningAsync("one");
        foreach (var tick in (long[])[await queue.NowAsync() - 10_000, await queue.NowAsync() + 1_000_000])
        {
            await queue.Do("HSET", queue.Keys.Of("meta"), "tick", $"{tick}");
            await queue.ExpireAsync();

            var reply = await ReapAsync(queue, TestQueue.Reaping with { Gap = TimeSpan.FromSeconds(3) });

            Assert.Equal("gap", reply.What);
            Assert.Equal(["g1"], reply.Generations);
            Assert.True(await LeaseAsync(queue) > await queue.NowAsync());
            Assert.Equal(JobState.Running, await queue.StateAsync(1));
        }

        Assert.Equal("skipped", (await ReapAsync(queue, TestQueue.Reaping with { Interval = TimeSpan.FromHours(1), Gap = TimeSpan.FromHours(2) })).What);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Expired_generation_gives_its_jobs_back_and_only_started_ones_are_charged(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.FirstTickAsync();
        await queue.JoinAsync(TestQueue.Other);
        var (started, _) = await queue.RunningAsync("started");
        await queue.PushAsync("taken");
        await queue.ClaimAsync(start: false);
        var (others, _) = await queue.RunningAsync("others", generation: TestQueue.Other);
        await queue.ExpireAsync();

        var reply = await ReapAsync(queue);

        Assert.Equal(("tick", 2, 0), (reply.What, reply.Recovered, reply.Dead));
        Assert.Equal((1, 0), ((await queue.RecordAsync(started))!.Header.Lost, (await queue.RecordAsync(2))!.Header.Lost));
        Assert.Contains("silo-g1", (await queue.RecordAsync(started))!.Header.Errors.Single().Message, StringComparison.Ordinal);
        Assert.Equal(JobState.Running, await queue.StateAsync(others));
        Assert.Equal(StoreStatus.NoLease, (await queue.ClaimAsync()).Status);
        Assert.Equal([started, 2], (await queue.StartAsync(generation: TestQueue.Other)).Jobs.Select(j => j.Seq));
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_that_lost_its_silo_too_often_is_a_dead_letter(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.FirstTickAsync();
        var seq = await queue.EnqueueAsync("one");
        for (var loss = 1; loss <= 3; loss++)
        {
            await queue.JoinAsync();
            await queue.RunReadyAsync();
            await queue.ExpireAsync();
            var reply = await ReapAsync(queue, TestQueue.Reaping with { LostBudget = 2 });
            Assert.Equal(loss <= 2 ? (1, 0) : (0, 1), (reply.Recovered, reply.Dead));
        }

        var header = (await queue.RecordAsync(seq))!.Header;
        Assert.Equal((JobState.Dead, "lost_worker", 3, 0), (header.Outcome, header.Reason, header.Errors.Count, header.Attempts));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Many_jobs_of_an_expired_generation_are_given_back_over_several_ticks(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.FirstTickAsync();
        await queue.PushAsync([.. Enumerable.Range(0, 25).Select(i => $"{i}")]);
        await queue.ClaimAsync();
        await queue.ExpireAsync();
        var recovered = 0;
        for (var tick = 0; tick < 3; tick++) recovered += (await ReapAsync(queue, TestQueue.Reaping with { MaxItems = 10 })).Recovered;

        Assert.Equal(25, recovered);
        Assert.Equal(0, (await queue.Do("ZCARD", queue.Keys.Of("leases"))).AsInteger());
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Jobs_of_a_generation_without_any_lease_are_found_by_the_sweep(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.FirstTickAsync();
        await queue.RunningAsync("one");
        await queue.Do("DEL", queue.Keys.Of("leases"));
        Assert.Equal(0, (await ReapAsync(queue)).Recovered);
        await queue.Do("HSET", queue.Keys.Of("meta"), "sweep", "1");

        Assert.Equal(1, (await ReapAsync(queue)).Recovered);
    }
}
