using System.Text;
using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Steps;

/// <summary>What happens to ended jobs: requeue, purge, trim.</summary>
public sealed class AfterlifeTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static async Task<(string Verdict, long Seq)> RequeueAsync(TestQueue queue, long seq, string? payload = null) =>
        (await queue.Store.RequeueAsync([(seq, payload is null ? (ReadOnlyMemory<byte>?)null : Encoding.UTF8.GetBytes(payload))], TestQueue.Window, TestQueue.Stop))[0];

    private static async Task<long> DeadAsync(TestQueue queue, string payload, Action<JobHeader>? with = null)
    {
        var (seq, counter) = await queue.RunningAsync(payload, with);
        await queue.SettleAsync(seq, counter, Settlement.Bury);
        return seq;
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Requeued_dead_letter_keeps_its_number_and_has_fresh_budgets(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var seq = await DeadAsync(queue, "bad", h => (h.Attempts, h.Lost, h.OutOfMemory, h.Priority, h.Progress) = (3, 2, 1, 1, new JobProgress(1, 1L << 60, null)));

        Assert.Equal(("requeued", seq), await RequeueAsync(queue, seq, "good"));

        var record = (await queue.RecordAsync(seq))!;
        Assert.Equal("good", Encoding.UTF8.GetString(record.Payload.Span));
        Assert.Equal((0, 0, 0, 1, true, null, null), (record.Header.Attempts, record.Header.Lost, record.Header.OutOfMemory, record.Header.Priority, record.Header.Raw, record.Header.Outcome, record.Header.Progress));
        Assert.Equal(("live", seq), await RequeueAsync(queue, seq));
        Assert.Equal(("unknown", 99), await RequeueAsync(queue, 99));
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Requeued_finished_job_has_a_new_number_and_keeps_its_id(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var (seq, counter) = await queue.RunningAsync("done");
        await queue.CompleteAsync(seq, counter, "{\"r\":1}");

        Assert.Equal(("requeued", 2), await RequeueAsync(queue, seq));

        var view = (await queue.Store.GetAsync("e1-1", TestQueue.Stop))!;
        Assert.Equal((2, "e1-1", JobState.Queued, "done", 0), (view.Seq, view.Id, view.State, Encoding.UTF8.GetString(view.Payload.Span), view.Result.Length));
        Assert.Null(await queue.RecordAsync(1));
        Assert.Equal(0, (await queue.Store.CountAsync(TestQueue.Stop)).Kept);
        await queue.Store.TrimAsync(0, TestQueue.Ttl, TestQueue.Window, 10, TestQueue.Stop);
        Assert.Equal(JobState.Queued, await queue.StateAsync(2));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_whose_id_a_later_job_has_is_not_requeued(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var old = await DeadAsync(queue, "old", h => h.Id = "a");
        await queue.Do("DEL", queue.Keys.Of("ids"), queue.Keys.Of("idlog"));
        var later = await queue.EnqueueAsync("later", h => h.Id = "a");

        Assert.Equal("conflict", (await RequeueAsync(queue, old)).Verdict);
        Assert.Equal(later, (await queue.Store.GetAsync("a", TestQueue.Stop))!.Seq);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Requeued_job_whose_id_was_forgotten_has_it_again(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var seq = await DeadAsync(queue, "bad", h => h.Id = "a");
        await queue.Do("DEL", queue.Keys.Of("ids"), queue.Keys.Of("idlog"));

        await RequeueAsync(queue, seq);

        Assert.Equal(seq, (await queue.Store.GetAsync("a", TestQueue.Stop))!.Seq);
        var again = await queue.Store.EnqueueAsync([TestQueue.New("bad", h => h.Id = "a")], "e1", TestQueue.Window, 0, 0, TestQueue.Stop);
        Assert.Equal(AdmitVerdict.Duplicate, again.Results[0].Verdict);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_named_twice_in_one_requeue_lives_once(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var (seq, counter) = await queue.RunningAsync("done");
        await queue.CompleteAsync(seq, counter);

        Assert.Equal([("requeued", 2), ("requeued", 2)], await queue.Store.RequeueAsync([(seq, null), (seq, null)], TestQueue.Window, TestQueue.Stop));
        Assert.Equal("done: ready ", (await Ledger.ReadAsync(queue)).States());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Purge_forgets_dead_letters_and_nothing_else(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var dead = await DeadAsync(queue, "bad");
        var live = await queue.EnqueueAsync("live");

        Assert.Equal(1, await queue.Store.PurgeAsync([dead, dead, live, 99], TestQueue.Stop));
        Assert.Equal("live: ready ", (await Ledger.ReadAsync(queue)).States());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Trim_keeps_the_newest_of_their_number_and_none_beyond_their_age(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        for (var i = 0; i < 5; i++)
        {
            var (seq, counter) = await queue.RunningAsync($"{i}");
            await queue.CompleteAsync(seq, counter);
        }

        Assert.Equal((2, 3, false), await queue.Store.TrimAsync(3, TestQueue.Ttl, TestQueue.Window, 100, TestQueue.Stop));
        Assert.Equal("2: finished Completed\n3: finished Completed\n4: finished Completed", (await Ledger.ReadAsync(queue)).States());
        Assert.Equal((0, 3, false), await queue.Store.TrimAsync(3, TestQueue.Ttl, TestQueue.Window, 100, TestQueue.Stop));
        await queue.Do("LSET", queue.Keys.Of("finished"), "0", "1 3");
        Assert.Equal((1, 2, true), await queue.Store.TrimAsync(100, TestQueue.Ttl, TestQueue.Window, 1, TestQueue.Stop));
        Assert.Equal((2, 0, false), await queue.Store.TrimAsync(0, TestQueue.Ttl, TestQueue.Window, 100, TestQueue.Stop));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Ids_are_forgotten_after_their_window_unless_their_job_lives(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.Store.EnqueueAsync([TestQueue.New("live", h => h.Id = "live"), TestQueue.New("gone", h => h.Id = "gone")], "e1", TimeSpan.Zero, 0, 0, TestQueue.Stop);
        await queue.Store.CancelAsync(["tombstone"], "", TimeSpan.Zero, TestQueue.Stop);
        await queue.EnqueueAsync("fresh", h => h.Id = "fresh");
        await queue.CancelAsync("gone");

        await queue.Store.TrimAsync(100, TestQueue.Ttl, TestQueue.Window, 100, TestQueue.Stop);

        Assert.Equal(["fresh", "live"], (await Ledger.ReadAsync(queue)).Ids.Keys.Order());
        Assert.Equal(2, (await queue.Do("LLEN", queue.Keys.Of("idlog"))).AsInteger());
        Assert.NotNull(await queue.ViewAsync(2));
    }
}
