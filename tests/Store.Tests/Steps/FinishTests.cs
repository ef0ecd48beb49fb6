using System.Text;
using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Steps;

public sealed class FinishTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Completion_is_recorded_with_its_result_and_cleans_up(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var (seq, counter) = await queue.RunningAsync("payload");
        await queue.Store.ProgressAsync("g1", [(seq, counter, new JobProgress(1, 4, "a quarter"))], TestQueue.Stop);
        Assert.Equal("requested", await queue.CancelAsync("e1-1"));
        Assert.Equal(25, (await queue.ViewAsync(seq))!.Progress!.Percent);

        var reply = await queue.CompleteAsync(seq, counter, "{\"n\":1}");

        Assert.Equal(1, reply.Kept);
        Assert.Empty(reply.Refused);
        var view = (await queue.ViewAsync(seq))!;
        Assert.Equal((JobState.Completed, "payload", "{\"n\":1}"), (view.State, Encoding.UTF8.GetString(view.Payload.Span), Encoding.UTF8.GetString(view.Result.Span)));
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Only_the_holder_of_the_newest_token_moves_a_job(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.JoinAsync(TestQueue.Other);
        var (seq, old) = await queue.RunningAsync("payload");
        await queue.SettleAsync(seq, old, Settlement.Release);
        var counter = await queue.RunReadyAsync(TestQueue.Other);
        var before = await Dump.AllAsync(queue);

        Assert.Equal([seq], (await queue.CompleteAsync(seq, old, outbox: new OutboxMessage("r", "x"u8.ToArray(), seq))).Refused);
        Assert.Equal([seq], (await queue.CompleteAsync(seq, counter)).Refused);
        Assert.Equal([seq], (await queue.CompleteAsync(seq, old, generation: TestQueue.Other)).Refused);
        Assert.Equal([seq], (await queue.SettleAsync(seq, old, Settlement.Bury)).Refused);
        Assert.Equal([seq], await queue.Store.ProgressAsync("g1", [(seq, old, new JobProgress(1, 2, null))], TestQueue.Stop));
        Assert.Equal(before, await Dump.AllAsync(queue));
        Assert.Empty((await queue.CompleteAsync(seq, counter, generation: TestQueue.Other)).Refused);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Same_outcome_sent_twice_is_acknowledged_and_changes_nothing(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var (one, counter) = await queue.RunningAsync("one");
        var completion = await queue.CompletionAsync(one, counter);
        var (two, second) = await queue.RunningAsync("two");
        var settled = await queue.SettlementAsync(two, second, Settlement.Retry, 3_600_000);
        OutboxMessage[] outbox = [new("r", "x"u8.ToArray(), one)];
        await queue.Store.CompleteAsync("g1", [completion, completion], outbox, TestQueue.Stop);
        await queue.Store.SettleAsync("g1", [settled, settled], TestQueue.Stop);
        var before = await Dump.AllAsync(queue);

        Assert.Empty((await queue.Store.CompleteAsync("g1", [completion], outbox, TestQueue.Stop)).Refused);
        Assert.Empty((await queue.Store.SettleAsync("g1", [settled], TestQueue.Stop)).Refused);

        Assert.Equal(before, await Dump.AllAsync(queue));
        Assert.Equal(1, (await queue.Do("LLEN", queue.Keys.Of("outbox"))).AsInteger());
        Assert.Equal(1, (await queue.Store.CountAsync(TestQueue.Stop)).Kept);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Messages_of_refused_jobs_are_not_sent(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var one = await queue.EnqueueAsync("one");
        var two = await queue.EnqueueAsync("two");
        var counter = await queue.RunReadyAsync();
        Completion[] both = [await queue.CompletionAsync(one, counter), await queue.CompletionAsync(two, counter + 7)];

        var reply = await queue.Store.CompleteAsync("g1", both, [new("a b", "1"u8.ToArray(), one), new("a b", "2"u8.ToArray(), two), new("c", "3"u8.ToArray())], TestQueue.Stop);

        Assert.Equal([two], reply.Refused);
        var entries = (await queue.Do("LRANGE", queue.Keys.Of("outbox"), "0", "-1")).AsList().Select(e => OutboxEntry.Decode(e.Bytes)).ToList();
        Assert.Equal(["a b=1", "c=3"], entries.Select(e => $"{e.List}={Encoding.UTF8.GetString(e.Message.Span)}"));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Settlement_that_becomes_a_cancel_is_told(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var (asked, other) = (await queue.EnqueueAsync("asked"), await queue.EnqueueAsync("other"));
        var counter = await queue.RunReadyAsync();
        await queue.CancelAsync($"e1-{asked}");
        Settled[] both = [await queue.SettlementAsync(asked, counter, Settlement.Retry, 1000), await queue.SettlementAsync(other, counter, Settlement.Retry, 1000)];

        var reply = await queue.Store.SettleAsync("g1", both, TestQueue.Stop);

        Assert.Equal([asked], reply.Cancelled);
        Assert.Equal((JobState.Cancelled, JobState.Retrying), (await queue.StateAsync(asked), await queue.StateAsync(other)));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_that_lost_its_silo_too_often_is_mirrored(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.FirstTickAsync();
        await queue.Store.RenewAsync(TestQueue.Generation, "s", TestQueue.Ttl, join: true, ForeignLists.None with { DeadLetters = "copies" }, null, TestQueue.Stop);
        var (seq, _) = await queue.RunningAsync("lost");
        await queue.ExpireAsync();
        await queue.Store.ReapAsync(TestQueue.Reaping with { LostBudget = 0 }, TestQueue.Stop);
        await queue.Store.SendOutboxAsync("me", ShortMessages.Instance, TestQueue.Stop);

        Assert.Equal($"{seq} lost_worker", (await queue.Do("LINDEX", "copies", "0")).AsString());
        Assert.Equal(1, (await queue.Do("LLEN", "copies")).AsInteger());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Settlement_leads_where_it_says(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var names = (string[])["retry", "bury", "cancel", "release"];
        var seqs = new List<long>();
        foreach (var name in names) seqs.Add(await queue.EnqueueAsync(name));
        var counter = await queue.RunReadyAsync();
        var settled = new List<Settled>();
        for (var i = 0; i < 4; i++) settled.Add(await queue.SettlementAsync(seqs[i], counter, (Settlement)i, 3_600_000));

        await queue.Store.SettleAsync("g1", settled, TestQueue.Stop);

        var states = new List<JobState?>();
        foreach (var seq in seqs) states.Add(await queue.StateAsync(seq));
        Assert.Equal([JobState.Retrying, JobState.Dead, JobState.Cancelled, JobState.Queued], states);
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
        var totals = (await queue.Store.CountAsync(TestQueue.Stop)).Totals;
        Assert.Equal((1, 1, 1, 1), (totals["retried"], totals["dead"], totals["cancelled"], totals["released"]));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Released_job_stands_before_those_behind_it(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var (first, counter) = await queue.RunningAsync("first");
        var second = await queue.EnqueueAsync("second");
        await queue.SettleAsync(first, counter, Settlement.Release);

        Assert.Equal([first, second], (await queue.StartAsync()).Jobs.Select(j => j.Seq));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Every_state_is_told_on_the_events_channel(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await using var events = await queue.Redis.SubscribeAsync(queue.Keys.Events, TestQueue.Stop);
        var (seq, counter) = await queue.RunningAsync("one");
        await queue.EnqueueAsync("child", h => h.DependsOn = ["e1-1"]);
        await queue.Store.ProgressAsync("g1", [(seq, counter, new JobProgress(1, 2, "m"))], TestQueue.Stop);
        await queue.CompleteAsync(seq, counter);
        await queue.CancelAsync("e1-2");
        await queue.Do("PUBLISH", queue.Keys.Events, "end");

        var heard = new List<string>();
        await foreach (var message in events.ReadAllAsync(TestQueue.Stop))
        {
            var text = Encoding.UTF8.GetString(message.Payload.Span);
            if (text == "end") break;
            heard.Add(text);
        }

        Assert.Equal(["queued 1", "running 1", "deferred 2", "progress 1 [1,2,\"m\"]", "completed 1", "queued 2", "cancelled 2"], heard);
    }
}
