using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Steps;

public sealed class EnqueueTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static async Task<IReadOnlyList<EnqueueResult>> EnqueueAsync(TestQueue queue, params NewJob[] jobs) =>
        (await queue.Store.EnqueueAsync(jobs, "e1", TestQueue.Window, 0, 0, TestQueue.Stop)).Results;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Same_id_and_payload_again_is_the_job_that_is_there(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var first = await EnqueueAsync(queue, TestQueue.New("one", h => h.Id = "a"), TestQueue.New("one", h => h.Id = "a"), TestQueue.New("two", h => h.Id = "a"));
        var again = await EnqueueAsync(queue, TestQueue.New("one", h => h.Id = "a"), TestQueue.New("two", h => h.Id = "a"));

        Assert.Equal([new(AdmitVerdict.Admitted, 1), new(AdmitVerdict.Duplicate, 1), new(AdmitVerdict.Conflict, 1)], first);
        Assert.Equal([new(AdmitVerdict.Duplicate, 1), new(AdmitVerdict.Conflict, 1)], again);
        Assert.Equal("one: ready ", (await Ledger.ReadAsync(queue)).States());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_cancelled_before_it_came_is_recorded_as_cancelled(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.CancelAsync("a");

        var result = Assert.Single(await EnqueueAsync(queue, TestQueue.New("one", h => h.Id = "a")));

        Assert.Equal(AdmitVerdict.Cancelled, result.Verdict);
        Assert.Equal(JobState.Cancelled, (await queue.Store.GetAsync("a", TestQueue.Stop))!.State);
        Assert.Equal("ended", await queue.CancelAsync("a"));
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Enqueue_without_room_writes_nothing(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.EnqueueAsync("one");
        var before = await Dump.AllAsync(queue);

        Assert.Equal(StoreStatus.NoRoom, (await queue.Store.EnqueueAsync([TestQueue.New("two"), TestQueue.New("three")], "e1", TestQueue.Window, 2, 0, TestQueue.Stop)).Status);
        Assert.Equal(before, await Dump.AllAsync(queue));
        Assert.Equal(StoreStatus.Ok, (await queue.Store.EnqueueAsync([TestQueue.New("two")], "e1", TestQueue.Window, 2, 0, TestQueue.Stop)).Status);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Enqueue_of_what_would_wait_keeps_to_the_bound_of_waiting_jobs(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var (later, child, past) = (TestQueue.New("later", h => h.Due = 1_900_000_000_000), TestQueue.New("child", h => h.DependsOn = ["none"]), TestQueue.New("past", h => h.Due = 1));
        async Task<StoreStatus> EnqueueAsync(int bound, params NewJob[] jobs) =>
            (await queue.Store.EnqueueAsync(jobs, "e1", TestQueue.Window, 0, bound, TestQueue.Stop)).Status;

        Assert.Equal(StoreStatus.Ok, await EnqueueAsync(2, later, child, past));
        var (seq, counter) = await queue.RunningAsync("retried");
        await queue.SettleAsync(seq, counter, Settlement.Retry, 3_600_000);
        var before = await Dump.AllAsync(queue);
        Assert.Equal(StoreStatus.WaitingFull, await EnqueueAsync(3, later));
        Assert.Equal(StoreStatus.WaitingFull, await EnqueueAsync(3, TestQueue.New("ready"), child));
        Assert.Equal(StoreStatus.WaitingFull, await EnqueueAsync(4, later, child));
        Assert.Equal(before, await Dump.AllAsync(queue));
        Assert.Equal(StoreStatus.Ok, await EnqueueAsync(3, TestQueue.New("ready"), past));
        Assert.Equal(StoreStatus.Ok, await EnqueueAsync(4, child));
        Assert.Equal(StoreStatus.Ok, await EnqueueAsync(0, later));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Chain_of_dependents_starts_link_by_link(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var results = await EnqueueAsync(
            queue,
            TestQueue.New("c", h => (h.Id, h.DependsOn) = ("c", ["b", "a"])),
            TestQueue.New("b", h => (h.Id, h.DependsOn) = ("b", ["a"])),
            TestQueue.New("a", h => h.Id = "a"));
        var (c, b, a) = (results[0].Seq, results[1].Seq, results[2].Seq);

        Assert.Equal([a], (await queue.StartAsync()).Jobs.Select(j => j.Seq));
        await queue.CompleteAsync(a, 1);
        Assert.Equal((JobState.Queued, JobState.Deferred), (await queue.StateAsync(b), await queue.StateAsync(c)));
        await queue.CompleteAsync(b, await queue.RunReadyAsync());
        Assert.Equal([c], (await queue.StartAsync()).Jobs.Select(j => j.Seq));
        Assert.Equal(0, (await queue.Do("HLEN", queue.Keys.Of("waiters"))).AsInteger());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Dependents_of_a_job_that_fails_are_dead_letters_to_the_last(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var parent = await queue.EnqueueAsync("parent");
        var child = await queue.EnqueueAsync("child", h => h.DependsOn = ["e1-1"]);
        var grandchild = await queue.EnqueueAsync("grandchild", h => (h.Id, h.DependsOn) = ("g", ["e1-2"]));
        await using var events = await queue.Redis.SubscribeAsync(queue.Keys.Events, TestQueue.Stop);

        await queue.SettleAsync(parent, await queue.RunReadyAsync(), Settlement.Bury);

        Assert.Equal((JobState.Dead, JobState.Dead), (await queue.StateAsync(child), await queue.StateAsync(grandchild)));
        var header = (await queue.RecordAsync(grandchild))!.Header;
        Assert.Equal(("dependency_failed", "g"), (header.Reason, header.Id));
        Assert.Contains("e1-2", header.Errors.Single().Message, StringComparison.Ordinal);
        Assert.Equal(3, (await queue.Store.CountAsync(TestQueue.Stop)).Totals["dead"]);
        var after = await queue.EnqueueAsync("after", h => h.DependsOn = ["e1-1"]);
        Assert.Equal(JobState.Dead, await queue.StateAsync(after));
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_that_waits_for_itself_or_by_two_names_for_one_job_does_not_hang(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var self = await queue.EnqueueAsync("self", h => (h.Id, h.DependsOn) = ("self", ["self"]));
        Assert.Equal(JobState.Dead, await queue.StateAsync(self));

        var parent = await queue.EnqueueAsync("parent", h => h.Id = "p");
        var child = await queue.EnqueueAsync("child", h => h.DependsOn = [$"e1-{parent}", "p"]);
        await queue.CompleteAsync(parent, await queue.RunReadyAsync());

        Assert.Equal(JobState.Queued, await queue.StateAsync(child));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Requeued_parent_does_not_call_its_dead_dependents_back(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var parent = await queue.EnqueueAsync("parent", h => h.Id = "p");
        var child = await queue.EnqueueAsync("child", h => h.DependsOn = ["p"]);
        await queue.SettleAsync(parent, await queue.RunReadyAsync(), Settlement.Bury);
        await queue.Store.RequeueAsync([(parent, null)], TestQueue.Window, TestQueue.Stop);
        await queue.CompleteAsync(parent, await queue.RunReadyAsync());
        Assert.Equal(JobState.Dead, await queue.StateAsync(child));

        await queue.Store.RequeueAsync([(child, null)], TestQueue.Window, TestQueue.Stop);
        Assert.Equal(JobState.Queued, await queue.StateAsync(child));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_behind_one_that_too_many_wait_for_is_a_dead_letter(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.Do("HSET", queue.Keys.Of("waiters"), "p", string.Join(' ', Enumerable.Range(100_000, 20_000)));

        var child = await queue.EnqueueAsync("child", h => h.DependsOn = ["p"]);

        Assert.Equal("too_many_dependents", (await queue.RecordAsync(child))!.Header.Reason);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Queue_of_another_schema_is_neither_joined_nor_written(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind), join: false);
        await queue.Do("HSET", queue.Keys.Of("meta"), "schema", "99");
        var before = await Dump.AllAsync(queue);

        await Assert.ThrowsAsync<SchemaException>(() => queue.JoinAsync());
        await Assert.ThrowsAsync<SchemaException>(() => queue.EnqueueAsync("one"));
        Assert.Equal(before, await Dump.AllAsync(queue));
    }
}
