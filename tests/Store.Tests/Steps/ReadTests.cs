using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Steps;

public sealed class ReadTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static async Task<List<long>> PagesAsync(TestQueue queue, JobState? state, int limit, Func<int, Task>? between = null)
    {
        var seen = new List<long>();
        string? cursor = null;
        var page = 0;
        do
        {
            var jobs = await queue.Store.ListAsync(state, cursor, limit, TestQueue.Stop);
            Assert.True(jobs.Jobs.Count <= limit);
            Assert.All(jobs.Jobs, j => Assert.True(state is null || j.State == state));
            seen.AddRange(jobs.Jobs.Select(j => j.Seq));
            cursor = jobs.Cursor;
            if (between is not null && cursor is not null) await between(page++);
        }
        while (cursor is not null);
        return seen;
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Pages_of_every_state_hold_each_job_once(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        for (var i = 0; i < 4 * 7; i++) await queue.EnqueueAsync("job");
        var counter = await queue.RunReadyAsync();
        for (long seq = 1; seq <= 21; seq++)
        {
            if (seq <= 7) await queue.CompleteAsync(seq, counter);
            else await queue.SettleAsync(seq, counter, seq <= 14 ? Settlement.Bury : Settlement.Retry, 3_600_000);
        }

        for (var i = 0; i < 7; i++) await queue.EnqueueAsync("ready");
        for (var i = 0; i < 7; i++) await queue.EnqueueAsync("later", h => h.Due = JobHeader.MaxTime);
        for (var i = 0; i < 7; i++) await queue.EnqueueAsync("waiting", h => h.DependsOn = ["e1-29"]);
        for (var i = 0; i < 7; i++) await queue.EnqueueAsync("stopped", h => h.Id = $"s{i}");
        await queue.Store.CancelAsync([.. Enumerable.Range(0, 7).Select(i => $"s{i}")], "", TestQueue.Window, TestQueue.Stop);

        foreach (var state in Enum.GetValues<JobState>())
        {
            var seen = await PagesAsync(queue, state, 3);
            Assert.Equal((7, 7), (seen.Count, seen.Distinct().Count()));
        }

        Assert.Equal(Enumerable.Range(1, 56).Reverse().Select(i => (long)i), await PagesAsync(queue, null, 10));
        var counts = await queue.Store.CountAsync(TestQueue.Stop);
        Assert.Equal((7, 7, 7, 7, 7, 7, 14), (counts.Queued, counts.Scheduled, counts.Deferred, counts.Running, counts.Retrying, counts.Dead, counts.Kept));
        Assert.NotNull(counts.OldestReady);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Pages_of_dead_letters_stay_in_step_while_some_go_and_come(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.PushAsync([.. Enumerable.Range(0, 30).Select(i => "too large")]);
        await queue.ClaimAsync(with: r => r with { MaxPayload = 1 });
        var all = (await queue.Store.ListAsync(JobState.Dead, null, 100, TestQueue.Stop)).Jobs.Select(j => j.Seq).ToList();

        // All have one score: the cursor's own job goes, and one before it, and a new one comes.
        var seen = await PagesAsync(queue, JobState.Dead, 4, async page =>
        {
            await queue.Store.PurgeAsync([all[(page * 4) + 3], all[page * 4]], TestQueue.Stop);
            await queue.PushAsync("new and too large");
            await queue.ClaimAsync(with: r => r with { MaxPayload = 1 });
        });

        Assert.Equal(all, seen);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Pages_of_finished_jobs_stay_in_step_while_old_ones_are_trimmed(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        async Task FinishAsync(int count)
        {
            await queue.PushAsync([.. Enumerable.Range(0, count).Select(i => "x")]);
            var claimed = await queue.ClaimAsync();
            var counter = (await queue.Store.RenewAsync("g1", "s", TestQueue.Ttl, false, null, null, TestQueue.Stop)).Held.Values.First();
            var done = new List<Completion>();
            foreach (var item in claimed.Items) done.Add(await queue.CompletionAsync(item.Seq, counter));
            await queue.Store.CompleteAsync("g1", done, [], TestQueue.Stop);
        }

        for (var i = 0; i < 4; i++) await FinishAsync(5);
        var seen = await PagesAsync(queue, JobState.Completed, 3, async page =>
        {
            await FinishAsync(1);
            if (page == 1) await queue.Store.TrimAsync(17, TestQueue.Ttl, TestQueue.Window, 100, TestQueue.Stop);
        });

        Assert.Equal(Enumerable.Range(6, 15).Reverse().Select(i => (long)i), seen);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Cursor_that_is_none_is_refused(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        foreach (var state in Enum.GetValues<JobState>())
        {
            await Assert.ThrowsAsync<FormatException>(async () => await queue.Store.ListAsync(state, "no cursor", 10, TestQueue.Stop));
        }
    }
}
