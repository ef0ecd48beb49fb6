using Gristmill.Grains.Jobs;
using Gristmill.Redis;
using Gristmill.Store;
using Gristmill.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary>What operators do and see: cancel, pause, drain, progress, running jobs.</summary>
public sealed class ControlTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Cancel_before_arrival_is_honoured(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        Assert.Equal(["remembered"], await stage.CancelAsync("early"));
        await stage.PushAsync("""{"n":1,"job_id":"early"}""", """{"n":2,"job_id":"other"}""");
        await stage.JobAsync("early", JobState.Cancelled);
        await stage.JobAsync("other", JobState.Completed);
        Assert.Equal([2], stage.Orders.Numbers);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Cancel_while_queued_is_immediate(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync(q => q.Concurrency = 1);
        await stage.PushAsync("""{"n":1,"do":"hold"}""");
        await stage.Orders.CalledAsync(1);
        await stage.EnqueueAsync((new JobHeader { Id = "waits" }, """{"n":2}"""));
        Assert.Equal(["cancelled"], await stage.CancelAsync("waits"));
        stage.Orders.Release(1);
        await stage.CompletedAsync(1);
        Assert.Equal(JobState.Cancelled, (await stage.FindAsync("waits"))!.State);
        Assert.Equal([1], stage.Orders.Numbers);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Cancel_while_running_tells_the_handler(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1,"job_id":"r","do":"hang"}""");
        await stage.Orders.CalledAsync(1);
        Assert.Equal(["requested"], await stage.CancelAsync("r"));
        var job = await stage.JobAsync("r", JobState.Cancelled);
        Assert.Equal([1], stage.Orders.Told);
        Assert.NotEqual(0, job.Header.FinishedAt);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Cancel_while_retrying_ends_the_job(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1,"job_id":"r","do":"fail","retry_delay":600}""");
        await stage.JobAsync("r", JobState.Retrying);
        Assert.Equal(["cancelled"], await stage.CancelAsync("r"));
        Assert.Equal(JobState.Cancelled, (await stage.FindAsync("r"))!.State);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_that_completes_though_cancelled_is_completed(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1,"job_id":"r","do":"stubborn"}""");
        await stage.Orders.CalledAsync(1);
        await stage.CancelAsync("r");
        await stage.Orders.ToldAsync(1);
        stage.Orders.Release(1);
        await stage.JobAsync("r", JobState.Completed);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Pause_and_drain_are_heard_and_resume_goes_on(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var silo = await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1}""");
        await stage.CompletedAsync(1);
        await stage.ModeAsync(QueueMode.Paused);
        await Soon.TrueAsync("the silo has heard it", () => silo.Log.Count(1041) == 1);
        await stage.PushAsync("""{"n":2}""");
        await stage.EnqueueAsync((new JobHeader { Id = "e" }, """{"n":3}"""));
        await stage.ModeAsync(QueueMode.Draining);
        await stage.JobAsync("e", JobState.Completed);
        Assert.Equal((1, false), (await stage.LengthAsync(stage.List), stage.Orders.Numbers.Contains(2)));
        var from = TimeProvider.System.GetTimestamp();
        await stage.ModeAsync(QueueMode.Open);
        await stage.Orders.CalledAsync(2);
        Assert.InRange(TimeProvider.System.GetElapsedTime(from), TimeSpan.Zero, TimeSpan.FromSeconds(2));
        await stage.CompletedAsync(3);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Progress_is_thinned_out_in_order_and_seen_in_store_and_channel(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        await using var events = await stage.Redis.SubscribeAsync(stage.Store.Keys.Events, TestContext.Current.CancellationToken);
        var heard = new List<string>();
        var listening = ListenAsync(events, heard);
        await stage.PushAsync("""{"n":1,"job_id":"p","do":"progress","steps":5000}""");
        var running = await Soon.MatchesAsync("the last report stands in the store", () => stage.FindAsync("p"), j => j?.Progress?.Done == 5000);
        Assert.Equal((JobState.Running, 5000L, "step 5000", 100.0), (running!.State, running.Progress!.Total, running.Progress.Message, running.Progress.Percent));
        stage.Orders.Release(1);
        var done = await stage.JobAsync("p", JobState.Completed);
        Assert.Equal(5000, done.Progress!.Done);
        await listening.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        var steps = heard.Where(h => h.StartsWith("progress ", StringComparison.Ordinal)).Select(h => int.Parse(h[(h.IndexOf('[') + 1)..h.IndexOf(',')], null)).ToList();
        Assert.InRange(steps.Count, 1, 100);
        Assert.Equal(steps.Order(), steps);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_that_runs_for_long_answers_through_its_grain_until_it_ends(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var silo = await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1,"job_id":"long","do":"progress","steps":3}""", """{"n":2,"job_id":"cancel-me","do":"hang"}""");
        var view = await Soon.MatchesAsync("the grain answers", () => silo.Grains.GetGrain<IJobGrain>("grist/long").GetAsync(), v => v is not null);
        Assert.Equal(("long", 1, 3L, 3L, "step 3", "silo1"), (view!.Id, view.Attempt, view.Done, view.Total, view.Message, view.Silo));
        await Soon.TrueAsync("the grain passes a cancel on", () => silo.Grains.GetGrain<IJobGrain>("grist/cancel-me").CancelAsync());
        await stage.JobAsync("cancel-me", JobState.Cancelled);
        stage.Orders.Release(1);
        await stage.JobAsync("long", JobState.Completed);
        await Soon.TrueAsync("nobody answers any more", async () => await silo.Grains.GetGrain<IJobGrain>("grist/long").GetAsync() is null);
        var running = silo.Services.GetRequiredService<RunningJobs>();
        await Soon.TrueAsync("nothing of them is kept", () => running.Find("grist/long") is null && running.Find("grist/cancel-me") is null);
    }

    private static async Task ListenAsync(RedisSubscription events, List<string> heard)
    {
        await foreach (var message in events.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            heard.Add(message.Text);
            if (message.Text.StartsWith("completed", StringComparison.Ordinal)) return;
        }
    }
}
