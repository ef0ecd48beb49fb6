using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Steps;

public sealed class CancelTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Waiting_job_is_cancelled_at_once(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.EnqueueAsync("ready", h => h.Id = "ready");
        await queue.EnqueueAsync("scheduled", h => (h.Id, h.Due) = ("scheduled", JobHeader.MaxTime));
        await queue.EnqueueAsync("deferred", h => (h.Id, h.DependsOn) = ("deferred", ["ready"]));
        await queue.EnqueueAsync("other", h => (h.Id, h.DependsOn) = ("other", ["x"]));
        var retrying = await queue.EnqueueAsync("retrying", h => (h.Id, h.Priority) = ("retrying", 0));
        var started = await queue.StartAsync(1);
        Assert.Equal(retrying, started.Jobs.Single().Seq);
        await queue.SettleAsync(retrying, 1, Settlement.Retry, 3_600_000);

        var verdicts = await queue.Store.CancelAsync(["ready", "scheduled", "other", "retrying", "deferred"], "no more", TestQueue.Window, TestQueue.Stop);

        Assert.All(verdicts, v => Assert.Equal("cancelled", v));
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
        Assert.Equal(5, (await queue.Store.CountAsync(TestQueue.Stop)).Kept);
        Assert.Equal("no more", (await queue.Store.GetAsync("ready", TestQueue.Stop))!.Header.Reason);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Running_job_is_to_be_cancelled_and_its_silo_hears_it(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var (seq, counter) = await queue.RunningAsync("one");

        Assert.Equal("requested", await queue.CancelAsync("e1-1", "why"));

        var renewed = await queue.Store.RenewAsync("g1", "s", TestQueue.Ttl, false, null, null, TestQueue.Stop);
        Assert.Equal((counter, "why"), (renewed.Held[seq], renewed.Cancels[seq]));
        Assert.True((await queue.ViewAsync(seq))!.CancelRequested);
        await queue.SettleAsync(seq, counter, Settlement.Retry);
        var view = (await queue.ViewAsync(seq))!;
        Assert.Equal((JobState.Cancelled, "why", 1), (view.State, view.Header.Reason, view.Header.Errors.Count));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_to_be_cancelled_whose_silo_is_lost_is_cancelled(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.FirstTickAsync();
        var (seq, _) = await queue.RunningAsync("one");
        await queue.CancelAsync("e1-1", "why");
        await queue.ExpireAsync();

        Assert.Equal(1, (await queue.Store.ReapAsync(TestQueue.Reaping, TestQueue.Stop)).Cancelled);
        var view = (await queue.ViewAsync(seq))!;
        Assert.Equal((JobState.Cancelled, "why", 0), (view.State, view.Header.Reason, view.Header.Lost));
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Released_job_that_is_to_be_cancelled_is_cancelled(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var (seq, counter) = await queue.RunningAsync("one");
        await queue.CancelAsync("e1-1");

        await queue.SettleAsync(seq, counter, Settlement.Release);

        Assert.Equal(JobState.Cancelled, await queue.StateAsync(seq));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Ended_job_is_not_cancelled_and_an_unknown_number_is_unknown(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var (seq, counter) = await queue.RunningAsync("one");
        await queue.CompleteAsync(seq, counter);
        var before = await Dump.AllAsync(queue);

        Assert.Equal("ended", await queue.CancelAsync("e1-1"));
        Assert.Equal("unknown", await queue.CancelAsync("e1-2"));
        Assert.Equal(before, await Dump.AllAsync(queue));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Same_id_twice_in_one_call_is_one_cancel(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.EnqueueAsync("one", h => h.Id = "a");

        Assert.Equal(["cancelled", "cancelled", "remembered", "remembered"], await queue.Store.CancelAsync(["a", "e1-1", "b", "b"], "", TestQueue.Window, TestQueue.Stop));
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("ü/☃ %d+ .*")]
    [InlineData("\"quoted\\\"")]
    [InlineData("x")]
    [InlineData("-")]
    [InlineData("e1-")]
    [InlineData("e1-x")]
    [InlineData("12")]
    public async Task Id_of_any_characters_is_cancelled_remembered_and_forgotten(string id)
    {
        foreach (var kind in Enum.GetValues<StoreKind>())
        {
            await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
            var seq = await queue.EnqueueAsync("one", h => h.Id = id);
            Assert.Equal(seq, (await queue.Store.GetAsync(id, TestQueue.Stop))!.Seq);
            Assert.Equal("cancelled", await queue.CancelAsync(id));
            Assert.Equal("remembered", (await queue.Store.CancelAsync([id + "?"], "", TimeSpan.Zero, TestQueue.Stop))[0]);
            await queue.Do("LTRIM", queue.Keys.Of("idlog"), "1", "-1");
            await queue.Store.TrimAsync(10, TestQueue.Ttl, TestQueue.Window, 10, TestQueue.Stop);
            Assert.Equal([id], (await Ledger.ReadAsync(queue)).Ids.Keys);
        }
    }
}
