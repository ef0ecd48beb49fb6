using System.Text;
using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Failure;

/// <summary>What others do to the keys, by accident or not: it is said, and nothing else is harmed by it.</summary>
public sealed class DamageTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static async Task<IReadOnlyList<EnqueueResult>> EnqueueAsync(TestQueue queue, params NewJob[] jobs) =>
        (await queue.Store.EnqueueAsync(jobs, "e1", TestQueue.Window, 0, 0, TestQueue.Stop)).Results;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Id_in_the_form_of_the_stores_own_belongs_to_no_other_job(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await EnqueueAsync(queue, TestQueue.New("first"));
        var taken = await EnqueueAsync(queue, TestQueue.New("thief", h => h.Id = "e1-3"), TestQueue.New("free", h => h.Id = "e1-3x"));

        Assert.Equal([AdmitVerdict.Conflict, AdmitVerdict.Admitted], taken.Select(t => t.Verdict));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Numbers_go_on_above_all_others_when_the_last_one_is_lost(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await EnqueueAsync(queue, TestQueue.New("victim", h => h.Id = "victim"));
        await queue.Do("HDEL", queue.Keys.Of("meta"), "seq");
        await EnqueueAsync(queue, TestQueue.New("next", h => h.Id = "next"));

        Assert.Equal("victim", Encoding.UTF8.GetString((await queue.Store.GetAsync("victim", TestQueue.Stop))!.Payload.Span));
        Assert.Equal("next", Encoding.UTF8.GetString((await queue.Store.GetAsync("next", TestQueue.Stop))!.Payload.Span));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Numbers_go_on_above_all_others_when_meta_is_lost(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.PushAsync("dead", "pushed");
        var taken = await queue.ClaimAsync(1);
        await queue.SettleAsync(taken.Items[0].Seq, 1, Settlement.Bury);
        await EnqueueAsync(queue, TestQueue.New("victim", h => h.Id = "victim"));

        await queue.Do("DEL", queue.Keys.Of("meta"));
        var claimed = await queue.ClaimAsync();
        await queue.Do("DEL", queue.Keys.Of("meta"));
        await EnqueueAsync(queue, TestQueue.New("next", h => h.Id = "next"));
        await queue.Do("DEL", queue.Keys.Of("meta"));
        var requeued = await queue.Store.RequeueAsync([(1, null)], TestQueue.Window, TestQueue.Stop);

        Assert.Equal([1L], requeued.Select(r => r.Seq));
        Assert.True(claimed.Items.Single().Seq > 1_000_000);
        foreach (var id in new[] { "victim", "next" }) Assert.Equal(id, Encoding.UTF8.GetString((await queue.Store.GetAsync(id, TestQueue.Stop))!.Payload.Span));
        Assert.Equal("pushed", Encoding.UTF8.GetString((await queue.RecordAsync(claimed.Items[0].Seq))!.Payload.Span));
        Assert.Equal("dead", Encoding.UTF8.GetString((await queue.RecordAsync(1))!.Payload.Span));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Numbers_that_ran_ahead_of_the_clock_are_not_given_again_when_meta_is_lost_once_more(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await EnqueueAsync(queue, TestQueue.New("first"));
        await queue.Do("DEL", queue.Keys.Of("meta"));
        await EnqueueAsync(queue, [.. Enumerable.Range(0, 5_000).Select(i => TestQueue.New("fast-" + i, h => h.Id = "fast-" + i))]);
        await queue.Do("DEL", queue.Keys.Of("meta"));
        await queue.PushAsync("pushed");

        var claimed = await queue.ClaimAsync();

        Assert.Equal("fast-4999", Encoding.UTF8.GetString((await queue.Store.GetAsync("fast-4999", TestQueue.Stop))!.Payload.Span));
        Assert.True(claimed.Items.Single().Seq > (await queue.Store.GetAsync("fast-4999", TestQueue.Stop))!.Seq);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Numbers_that_only_ids_remember_are_not_given_again_when_meta_is_lost(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await EnqueueAsync(queue, TestQueue.New("old", h => h.Id = "old"));
        await queue.Do("DEL", queue.Keys.JobsOf(1), queue.Keys.Of("ready"), queue.Keys.Of("meta"));
        await queue.PushAsync("other");

        Assert.NotEqual(1, (await queue.ClaimAsync()).Items.Single().Seq);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Record_that_is_none_is_started_and_shown_and_holds_up_no_other(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await EnqueueAsync(queue, TestQueue.New("broken"), TestQueue.New("good"));
        await queue.Do("HSET", queue.Keys.JobsOf(1), "1", "garbage without a newline");

        var shown = await queue.Store.ListAsync(null, null, 10, TestQueue.Stop);
        var started = await queue.Store.StartAsync(TestQueue.Generation, queue.NextCounter(), 10, 1_000_000, 0, TestQueue.Stop);

        Assert.Equal(2, shown.Jobs.Count);
        Assert.Contains(shown.Jobs, j => j.Header.Errors is [{ Kind: "corrupt" }]);
        Assert.Equal([1, 2], started.Jobs.Select(j => j.Seq));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Damaged_line_of_finished_jobs_removes_no_other_job_and_trimming_goes_on(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var dead = await DeadAsync(queue);
        var (running, _) = await queue.RunningAsync("running");
        var ready = await queue.EnqueueAsync("ready");
        var (done, counter) = (await queue.EnqueueAsync("done", h => h.Priority = 0), await queue.RunReadyAsync());
        await queue.CompleteAsync(done, counter);
        var finished = queue.Keys.Of("finished");
        await queue.Do(
            "LPUSH", finished, $"1 {dead} {running} {ready} 77", "no line at all", "", " ", "5", "1 -3 4x 1e3 " + new string('9', 400),
            $"99999999999999 {dead}", $"nan {running}");
        var tooYoung = await queue.Store.TrimAsync(1000, TestQueue.Ttl, TestQueue.Window, 100, TestQueue.Stop);
        var age = TimeSpan.FromTicks(-TimeSpan.TicksPerSecond);

        Assert.Equal((0, 1, false), tooYoung);
        Assert.Equal((1, 0, false), await queue.Store.TrimAsync(1000, age, TestQueue.Window, 100, TestQueue.Stop));
        Assert.Equal(0, (await queue.Do("LLEN", finished)).AsInteger());
        Assert.Equal([JobState.Dead, JobState.Running, JobState.Running, null], [await queue.StateAsync(dead), await queue.StateAsync(running), await queue.StateAsync(ready), await queue.StateAsync(done)]);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Damaged_line_of_finished_jobs_hides_none_of_the_others(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var (done, counter) = await queue.RunningAsync("done");
        await queue.CompleteAsync(done, counter);
        await queue.Do("RPUSH", queue.Keys.Of("finished"), "no line at all", "", "1 x 99999999999999999999", "7");

        var page = await queue.Store.ListAsync(JobState.Completed, null, 10, TestQueue.Stop);

        Assert.Equal([done], page.Jobs.Select(j => j.Seq));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Damaged_entries_of_ids_are_passed_over_and_others_are_forgotten_in_time(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.Store.CancelAsync(["old"], "", TimeSpan.Zero, TestQueue.Stop);
        await queue.Do("HSET", queue.Keys.Of("ids"), "odd", "what - 1", "bare", "nothing");
        await queue.Do("LPUSH", queue.Keys.Of("idlog"), "", "no entry", "1 odd", "1 bare", "99999999999999 old");

        await queue.Store.TrimAsync(100, TestQueue.Ttl, TestQueue.Window, 100, TestQueue.Stop);

        Assert.Equal(0, (await queue.Do("LLEN", queue.Keys.Of("idlog"))).AsInteger());
        Assert.Equal(0, (await queue.Do("HEXISTS", queue.Keys.Of("ids"), "old")).AsInteger());
    }

    private static async Task<long> DeadAsync(TestQueue queue)
    {
        var (seq, counter) = await queue.RunningAsync("dead");
        await queue.SettleAsync(seq, counter, Settlement.Bury);
        return seq;
    }

    [Fact]
    public async Task List_that_refuses_a_message_holds_up_no_other_and_nothing_is_sent_twice()
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(StoreKind.Redis));
        await queue.Do("RPUSH", queue.Keys.Of("outbox"), "5 firstA", "none of ours", "5 wrongB", "?", "?7 {}", "?7 {\"st\":\"d\"", "4 lastC");
        await queue.Do("SET", "wrong", "no list");

        var refused = await queue.Store.SendOutboxAsync("me", ShortMessages.Instance, TestQueue.Stop);
        await queue.Store.SendOutboxAsync("me", ShortMessages.Instance, TestQueue.Stop);

        Assert.Equal([queue.Keys.Of("outbox"), "wrong", queue.Keys.Of("outbox"), queue.Keys.Of("outbox"), queue.Keys.Of("outbox")], refused.Select(r => r.List));
        Assert.Equal(1, (await queue.Do("LLEN", "first")).AsInteger());
        Assert.Equal(1, (await queue.Do("LLEN", "last")).AsInteger());
        Assert.Equal(0, (await queue.Do("LLEN", queue.Keys.Of("outbox"))).AsInteger());
    }
}
