using Gristmill.Grains.Gpu;
using Gristmill.Grains.Tests.Bridge;
using Gristmill.Store;
using Gristmill.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Grains.Tests.Gpu;

/// <summary>After an attempt has run out of memory the next one has the device to itself; then it is a dead letter with figures.</summary>
public sealed class GpuOutOfMemoryTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Fact]
    public async Task Job_of_a_worker_runs_alone_on_the_device_after_it_ran_out_of_memory_and_the_others_come_back()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var other = DeviceWorker.Store(stage, "other");
        await stage.StartSiloAsync(q => DeviceWorker.Use(q, 3000), s =>
        {
            DeviceWorker.Device(s);
            DeviceWorker.Add(s, "other", stage.List + ":other", 3000);
        });
        await stage.PushToAsync(stage.List + ":other", DeviceWorker.Jobs(1));
        await Soon.TrueAsync("the other model is resident", async () => (await other.CountAsync()).Totals["completed"] == 1);
        await stage.PushAsync("""{"job_id":"big","do":"fits"}""");

        var job = await stage.JobAsync("big", JobState.Completed);
        Assert.Equal("8192", DeviceWorker.Said(job)[2]);
        var error = Assert.Single(job.Header.Errors);
        Assert.Contains("idle models sent away: 1.", error.Message, StringComparison.Ordinal);
        await stage.PushAsync("""{"job_id":"small"}""");
        await stage.PushToAsync(stage.List + ":other", DeviceWorker.Jobs(1, 2));
        Assert.Equal("3000", DeviceWorker.Said(await stage.JobAsync("small", JobState.Completed))[2]);
        await Soon.TrueAsync("the other queue goes on", async () => (await other.CountAsync()).Totals["completed"] == 2);
    }

    [Fact]
    public async Task Job_that_is_alone_waits_for_a_busy_neighbour_without_spending_its_time()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        using var gate = new Gate();
        var silo = await stage.StartSiloAsync(
            q =>
            {
                DeviceWorker.Use(q, 3000);
                q.TimeoutSeconds = 1.5;
            },
            s =>
            {
                DeviceWorker.Device(s);
                DeviceWorker.Add(s, "other", stage.List + ":other", 3000);
                s.Gpus.TurnSeconds = 0.5;
            });
        await stage.PushToAsync(stage.List + ":other", gate.Job("neighbour"));
        await Soon.TrueAsync("the neighbour runs", async () => (await DeviceWorker.Store(stage, "other").CountAsync()).Running == 1);
        await stage.PushAsync("""{"job_id":"big","do":"fits"}""");
        var waits = await Soon.MatchesAsync("it says what it waits for", () => stage.FindAsync("big"), j => j?.Progress?.Message == GpuAloneLine.WaitText);
        await Soon.TrueAsync("it has waited for longer than an attempt may take", async () => ((await stage.CountAsync()).Now - waits!.StartedAt!.Value).TotalSeconds > 2);
        Assert.Equal(JobState.Running, (await stage.FindAsync("big"))!.State);
        await gate.OpenAsync();
        Assert.Equal("8192", DeviceWorker.Said(await stage.JobAsync("big", JobState.Completed))[2]);
        Assert.Equal(["oom"], (await stage.FindAsync("big"))!.Header.Errors.Select(e => e.Kind));
        await Soon.TrueAsync("nothing is alone any more", () => silo.Services.GetRequiredService<GpuPool>().Snapshot()[0].LeasedMiB <= 6000);
    }

    [Fact]
    public async Task Job_that_waits_to_be_alone_can_be_cancelled_and_leaves_nothing_behind()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        using var gate = new Gate();
        var silo = await stage.StartSiloAsync(q => DeviceWorker.Use(q, 3000), s =>
        {
            DeviceWorker.Device(s);
            DeviceWorker.Add(s, "other", stage.List + ":other", 3000);
        });
        await stage.PushToAsync(stage.List + ":other", gate.Job("neighbour"));
        await Soon.TrueAsync("the neighbour runs", async () => (await DeviceWorker.Store(stage, "other").CountAsync()).Running == 1);
        await stage.PushAsync("""{"job_id":"big","do":"fits"}""");
        await Soon.MatchesAsync("it waits", () => stage.FindAsync("big"), j => j?.Progress?.Message == GpuAloneLine.WaitText);
        await stage.CancelAsync("big");
        await stage.JobAsync("big", JobState.Cancelled);
        await gate.OpenAsync();
        await stage.PushAsync("""{"job_id":"small"}""");
        Assert.Equal("3000", DeviceWorker.Said(await stage.JobAsync("small", JobState.Completed))[2]);
        await Soon.TrueAsync("both are back on the device", () => silo.Services.GetRequiredService<GpuPool>().Snapshot()[0].LeasedMiB == 6000);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Job_that_runs_out_of_memory_alone_too_dies_with_the_figures(bool handler)
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        await stage.StartSiloAsync(
            q =>
            {
                DeviceWorker.Use(q, 3000);
                if (handler) q.Worker = null;
                q.OutOfMemoryBudget = 1;
            },
            s => DeviceWorker.Device(s));
        await stage.PushAsync("""{"job_id":"j1","n":1,"do":"oom"}""");
        var dead = Assert.Single(await stage.DeadAsync(1));
        Assert.Equal(("out_of_memory", 2), (dead.Header.Reason, dead.Header.Errors.Count));
        var observed = handler ? "unknown" : "100 MiB";
        Assert.Contains($"too big Model grist on mill (made-up): declared 3000 MiB, observed {observed}, free ", dead.Header.Errors[0].Message, StringComparison.Ordinal);
        Assert.Contains($"declared 3000 MiB, observed {observed}, free 0 of 8192 MiB, alone on the device; idle", dead.Header.Errors[1].Message, StringComparison.Ordinal);
        if (handler) Assert.Equal([false, true], stage.Orders.Calls.Select(c => c.Job.Gpu!.IsAlone));
    }
}
