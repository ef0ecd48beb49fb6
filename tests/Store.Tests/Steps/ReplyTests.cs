using Gristmill.Store.Payloads;
using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Steps;

/// <summary>Who waits on a reply list hears of every end of its job, whoever made it, whatever becomes of the record.</summary>
public sealed class ReplyTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly ForeignLists Lists = new(null, ["replies"], PayloadFields.Default);

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_cancelled_while_it_waits_is_told(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind);
        await queue.EnqueueAsync("parent", h => h.Id = "parent");
        await queue.EnqueueAsync("ready", h => h.Id = "ready");
        await queue.EnqueueAsync("scheduled", h => (h.Id, h.Due) = ("scheduled", JobHeader.MaxTime));
        await queue.EnqueueAsync("deferred", h => (h.Id, h.DependsOn) = ("deferred", ["parent"]));
        await queue.EnqueueAsync("silent", h => (h.Id, h.ReplyTo) = ("silent", null));

        await queue.Store.CancelAsync(["ready", "scheduled", "deferred", "silent", "early"], "enough", TestQueue.Window, TestQueue.Stop);
        await queue.EnqueueAsync("early", h => h.Id = "early");

        await AssertToldAsync(queue, "ready cancelled enough", "scheduled cancelled enough", "deferred cancelled enough", "early cancelled");
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_that_dies_without_a_silo_is_told(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind);
        await queue.FirstTickAsync();
        await queue.EnqueueAsync("child", h => (h.Id, h.DependsOn) = ("child", ["parent"]));
        await queue.EnqueueAsync("grandchild", h => (h.Id, h.DependsOn) = ("grandchild", ["child"]));
        await queue.RunningAsync("parent", h => h.Id = "parent");
        await queue.ExpireAsync();
        await queue.Store.ReapAsync(TestQueue.Reaping with { LostBudget = 0 }, TestQueue.Stop);
        await queue.EnqueueAsync("late", h => (h.Id, h.DependsOn) = ("late", ["parent"]));

        await AssertToldAsync(queue, "parent dead lost_worker", "child dead dependency_failed", "grandchild dead dependency_failed", "late dead dependency_failed");
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Attempt_that_ends_the_job_is_told_and_one_that_does_not_is_not(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind);
        string[] names = ["retry", "bury", "cancel", "release", "asked"];
        var seqs = new List<long>();
        foreach (var name in names) seqs.Add(await queue.EnqueueAsync(name, h => h.Id = name));
        var counter = await queue.RunReadyAsync();
        await queue.CancelAsync("asked", "enough");
        var settled = new List<Settled>();
        for (var i = 0; i < names.Length; i++) settled.Add(await queue.SettlementAsync(seqs[i], counter, (Settlement)(i % 4), 3_600_000));
        await queue.Store.SettleAsync(TestQueue.Generation, settled, TestQueue.Stop);
        await queue.Store.SettleAsync(TestQueue.Generation, settled, TestQueue.Stop);

        await AssertToldAsync(queue, "bury dead retries", "cancel cancelled", "asked cancelled enough");
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Payload_that_nobody_read_tells_its_address_by_its_beginning(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind);
        await queue.FirstTickAsync();
        var filler = new string('x', 100_000);
        await queue.PushAsync(
            $$"""{"job_id":"large","reply_to":"replies","x":"{{filler}}"}""", $$"""{"job_id":"behind","x":"{{filler}}","reply_to":"replies"}""",
            """{"job_id":"lost","reply_to":"replies"}""", """{"job_id":"elsewhere","reply_to":"elsewhere"}""", "no job");
        await queue.ClaimAsync(with: r => r with { MaxPayload = 1000 });
        await queue.ExpireAsync();
        await queue.Store.ReapAsync(TestQueue.Reaping with { LostBudget = 0 }, TestQueue.Stop);

        var refused = await AssertToldAsync(queue, "large dead too_large", "lost dead lost_worker");
        Assert.Equal("elsewhere", Assert.Single(refused).List);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Reply_outlives_the_record(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind);
        await queue.EnqueueAsync("gone", h => h.Id = "gone");
        await queue.CancelAsync("gone");
        await queue.Store.TrimAsync(0, TimeSpan.Zero, TestQueue.Window, 100, TestQueue.Stop);
        var (seq, counter) = await queue.RunningAsync("purged", h => h.Id = "purged");
        await queue.SettleAsync(seq, counter, Settlement.Bury);
        await queue.Store.PurgeAsync([seq], TestQueue.Stop);

        await AssertToldAsync(queue, "gone cancelled", "purged dead retries");
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Queue_that_allows_no_replies_notes_none(StoreKind kind)
    {
        await using var queue = await OpenAsync(kind);
        queue.Lists = null;
        await queue.JoinAsync();
        await queue.EnqueueAsync("one", h => h.Id = "one");
        await queue.CancelAsync("one");

        Assert.Equal(0, (await queue.Do("EXISTS", queue.Keys.Of("outbox"))).AsInteger());
    }

    private async Task<TestQueue> OpenAsync(StoreKind kind)
    {
        var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        (queue.ReplyTo, queue.Lists) = ("replies", Lists);
        await queue.JoinAsync();
        return queue;
    }

    private static async Task<IReadOnlyList<(string List, string Error)>> AssertToldAsync(TestQueue queue, params string[] expected)
    {
        var refused = await queue.Store.SendOutboxAsync("me", ShortMessages.Instance, TestQueue.Stop);
        Assert.Equal(expected, (await queue.Do("LRANGE", "replies", "0", "-1")).AsList().Select(m => m.AsString()));
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
        return refused;
    }
}
