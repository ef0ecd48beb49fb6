using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Steps;

public sealed class StartTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Start_takes_by_priority_and_then_by_number(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var low = await queue.EnqueueAsync("low", h => h.Priority = 9);
        var first = await queue.EnqueueAsync("first");
        var second = await queue.EnqueueAsync("second");
        var high = await queue.EnqueueAsync("high", h => h.Priority = 0);

        var reply = await queue.StartAsync(3);

        Assert.Equal([high, first, second], reply.Jobs.Select(j => j.Seq));
        Assert.Equal((1, null), (reply.Ready, reply.NextDue));
        Assert.Equal(low, (await queue.StartAsync()).Jobs.Single().Seq);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Start_makes_due_jobs_ready_and_says_when_the_next_is_due(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var due = await queue.NowAsync() + 3_600_000;
        var later = await queue.EnqueueAsync("later", h => h.Due = due);
        var now = await queue.EnqueueAsync("now", h => h.Due = due + 5);
        await queue.MakeDueAsync("scheduled", now);
        Assert.Equal(JobState.Scheduled, await queue.StateAsync(later));

        var none = await queue.StartAsync(0);
        Assert.Equal((1, due), (none.Ready, none.NextDue));
        Assert.Equal(JobState.Queued, await queue.StateAsync(now));
        Assert.Equal([now], (await queue.StartAsync()).Jobs.Select(j => j.Seq));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Start_stops_behind_the_record_with_which_the_bytes_are_reached(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        for (var i = 0; i < 20; i++) await queue.EnqueueAsync(new string('x', 1000));

        var reply = await queue.StartAsync(maxBytes: 2500);

        Assert.Equal((3, 17), (reply.Jobs.Count, reply.Ready));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Start_keeps_to_the_limit_of_running_jobs(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        for (var i = 0; i < 4; i++) await queue.EnqueueAsync("job");

        Assert.Equal(2, (await queue.StartAsync(limit: 2)).Jobs.Count);
        Assert.Empty((await queue.StartAsync(limit: 2)).Jobs);
        Assert.Single((await queue.StartAsync(limit: 3)).Jobs);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Attempts_are_numbered_by_those_that_were_charged(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var (seq, counter) = await queue.RunningAsync("job");
        Assert.Equal(1, (await queue.ViewAsync(seq))!.Attempt);

        await queue.SettleAsync(seq, counter, Settlement.Release);
        counter = await queue.RunReadyAsync();
        Assert.Equal(1, (await queue.ViewAsync(seq))!.Attempt);

        await queue.SettleAsync(seq, counter, Settlement.Retry);
        await queue.MakeDueAsync("retrying", seq);
        await queue.RunReadyAsync();
        Assert.Equal(2, (await queue.ViewAsync(seq))!.Attempt);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Start_of_thousands_moves_each_once(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        for (var batch = 0; batch < 5; batch++)
        {
            await queue.Store.EnqueueAsync([.. Enumerable.Range(0, 1000).Select(i => TestQueue.New($"{batch}.{i}"))], "e1", TestQueue.Window, 0, 0, TestQueue.Stop);
        }

        var reply = await queue.StartAsync(5000);

        Assert.Equal(Enumerable.Range(1, 5000).Select(i => (long)i), reply.Jobs.Select(j => j.Seq));
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }
}
