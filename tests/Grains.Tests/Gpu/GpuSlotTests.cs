using Gristmill.Grains.Gpu;
using Gristmill.Grains.Options;
using Gristmill.Grains.Tests.Bridge;
using Gristmill.Grains.Tests.Handlers;
using Gristmill.Grains.Tests.Workers;
using Gristmill.Grains.Workers;
using Gristmill.Store;
using Gristmill.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Grains.Tests.Gpu;

/// <summary>Slots of devices are taken before jobs are claimed: what cannot run at once stays in the queue.</summary>
public sealed class GpuSlotTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Slot_that_one_queue_keeps_for_a_claim_is_no_room_for_another_until_it_is_given_back()
    {
        var gpus = OneDevice(slots: 1);
        await using var first = await StartAsync(gpus, "first", workers: 2);
        await using var second = await StartAsync(gpus, "second");
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        second.RoomChanged = () => told.TrySetResult();

        Assert.Equal(1, first.Reserve(executing: 0));
        Assert.Equal(0, second.Reserve(executing: 0));
        second.Settle(executing: 0, wants: true);
        first.Settle(executing: 0, wants: false);
        await told.Task.WaitAsync(TimeSpan.FromSeconds(30), TestEnd);
        Assert.Equal(1, second.Reserve(executing: 0));
        Assert.Equal(0, first.Reserve(executing: 0));
        Assert.Equal(1, second.Concurrency);
    }

    [Fact]
    public async Task Queue_that_wants_no_slot_any_more_does_not_keep_others_from_theirs()
    {
        var gpus = OneDevice(slots: 1);
        await using var first = await StartAsync(gpus, "first");
        await using var second = await StartAsync(gpus, "second");
        Assert.Equal((1, 0), (first.Reserve(0), second.Reserve(0)));
        second.Settle(executing: 0, wants: false);
        first.Settle(executing: 0, wants: false);
        Assert.Equal(1, first.Reserve(executing: 0));
    }

    [Fact]
    public async Task Slot_that_is_kept_is_used_by_the_job_that_was_claimed_for_it()
    {
        var gpus = OneDevice(slots: 1);
        await using var pool = await StartAsync(gpus, "first", workers: 2);
        Assert.Equal(1, pool.Reserve(executing: 0));
        pool.Settle(executing: 1, wants: true);
        Assert.Equal(0, pool.Reserve(executing: 1));
        Assert.StartsWith("\"mill", Attempts.ResultOf(await pool.RunAsync("{}", TestEnd)), StringComparison.Ordinal);
        Assert.Equal(1, pool.Reserve(executing: 0));
    }

    [Fact]
    public async Task Worker_that_becomes_ready_tells_that_there_is_room()
    {
        var pool = Pools.Create(Pools.Patient(["sh", "-c", "read -r hello; echo '{\"type\":\"ready\",\"protocol\":1}'; cat >/dev/null"]));
        await using (pool)
        {
            var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            pool.RoomChanged = () => told.TrySetResult();
            await pool.StartAsync(TestEnd);
            await told.Task.WaitAsync(TimeSpan.FromSeconds(30), TestEnd);
            Assert.Equal(1, pool.Reserve(executing: 0));
        }
    }

    [Fact]
    public async Task Job_without_a_slot_stays_queued_and_starts_when_the_slot_is_free()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        using var gate = new Gate();
        var other = DeviceWorker.Store(stage, "other");
        var silo = await stage.StartSiloAsync(q => DeviceWorker.Use(q, 2048), s =>
        {
            DeviceWorker.Device(s, slots: 1);
            DeviceWorker.Add(s, "other", stage.List + ":other", 2048, workers: 2);
        });
        await stage.PushAsync(gate.Job("holds"));
        await stage.JobAsync("holds", JobState.Running);
        await stage.PushToAsync(stage.List + ":other", """{"job_id":"waits"}""");
        await Soon.TrueAsync("the other queue waits for a slot", () => silo.Services.GetRequiredService<GpuPool>().WhyWaiting("other") == GpuWait.NoSlot);
        Assert.Equal((0, 1), ((await other.CountAsync(TestEnd)).Running, await stage.LengthAsync(stage.List + ":other")));
        await gate.OpenAsync();
        await Soon.TrueAsync("the other job is done", async () => (await other.CountAsync(TestEnd)).Totals["completed"] == 1);
    }

    private static GpuPool OneDevice(int slots)
    {
        var gpus = new GpuPool(Microsoft.Extensions.Options.Options.Create(new GristmillOptions()), TimeProvider.System, NullLogger<GpuPool>.Instance);
        gpus.Do(a => a.AddDevice(new GpuDevice("mill", "mill", "made-up", "", 8192, slots)));
        return gpus;
    }

    private static async Task<WorkerPool> StartAsync(GpuPool gpus, string name, int workers = 1)
    {
        var queue = new QueueOptions();
        DeviceWorker.Use(queue, 2048, workers);
        var pool = new WorkerPool(
            name, queue.Worker!, Pools.MaxResultBytes, new LoggerFactory([new ScopeLog()]), TimeProvider.System, new Random(7), changed => gpus.Join(GpuModel.Of(name, queue.Gpu!), changed));
        await pool.StartAsync(TestEnd);
        await Wait.UntilAsync(() => gpus.Snapshot()[0].Models.Count(m => m.Queue == name && m.State == "idle") == workers);
        return pool;
    }
}
