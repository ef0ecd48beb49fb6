using Gristmill.Grains.Gpu;
using Gristmill.Grains.Tests.Bridge;
using Gristmill.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Grains.Tests.Gpu;

/// <summary>A whole silo with real worker processes on made-up devices.</summary>
public sealed class GpuPoolTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Fact]
    public async Task Two_queues_share_four_devices_and_all_their_jobs_are_done()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var large = DeviceWorker.Store(stage, "large");
        await stage.PushAsync([.. DeviceWorker.Jobs(300)]);
        await stage.PushToAsync(stage.List + ":large", [.. DeviceWorker.Jobs(300)]);
        var silo = await stage.StartSiloAsync(q => DeviceWorker.Use(q, 3072, workers: 8), s =>
        {
            for (var i = 0; i < 4; i++) s.Gpus.Devices.Add(new GpuDeviceOptions { Name = $"mill{i}", MemoryMiB = 8192, Device = $"{i}" });
            DeviceWorker.Add(s, "large", stage.List + ":large", 6144, workers: 4);
        });
        var pool = silo.Services.GetRequiredService<GpuPool>();

        await Soon.TrueAsync("all jobs are done, and no device is oversubscribed meanwhile", async () =>
        {
            Assert.All(pool.Snapshot(), d => Assert.InRange(d.LeasedMiB, 0, d.MemoryMiB));
            return (await stage.CountAsync()).Totals["completed"] == 300 && (await large.CountAsync()).Totals["completed"] == 300;
        });
        var result = Stage.Result((await stage.FindAsync("j1"))!).Trim('"').Split('|');
        Assert.StartsWith("mill", result[0], StringComparison.Ordinal);
        Assert.Equal((result[0][4..], "3072"), (result[1], result[2]));
        Assert.All(pool.Totals(), t => Assert.InRange(t.Loads, 1, 8 + t.Evictions));
    }

    [Fact]
    public async Task Worker_that_has_used_more_of_its_device_than_its_limit_is_replaced_after_its_job()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync(
            q =>
            {
                DeviceWorker.Use(q, 3072);
                q.Worker!.GpuMemoryLimitMiB = 3500;
            },
            s => DeviceWorker.Device(s));
        var pool = silo.Services.GetRequiredService<GpuPool>();
        await stage.PushAsync("""{"job_id":"big","do":"grow"}""");
        await Soon.TrueAsync("another worker has loaded the model", () => Task.FromResult(pool.Totals().Sum(t => t.Loads) == 2));
        await stage.PushAsync(DeviceWorker.Jobs(1));
        await Soon.TrueAsync("both jobs are done", async () => (await stage.CountAsync()).Totals["completed"] == 2);
        Assert.NotEqual(DeviceWorker.Said((await stage.FindAsync("big"))!)[3], DeviceWorker.Said((await stage.FindAsync("j1"))!)[3]);
        Assert.Equal(2, pool.Totals().Sum(t => t.Loads));
    }

    [Fact]
    public async Task Queue_whose_worker_was_evicted_gets_one_back_when_jobs_come()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var other = DeviceWorker.Store(stage, "other");
        var silo = await stage.StartSiloAsync(q => DeviceWorker.Use(q, 6144), s =>
        {
            s.Gpus.Devices.Add(new GpuDeviceOptions { Name = "mill", MemoryMiB = 8192 });
            DeviceWorker.Add(s, "other", stage.List + ":other", 6144);
        });
        var pool = silo.Services.GetRequiredService<GpuPool>();
        for (var round = 1; round <= 2; round++)
        {
            var done = round;
            await stage.PushAsync(DeviceWorker.Jobs(1, round));
            await Soon.TrueAsync($"job {done} of the first queue is done", async () => (await stage.CountAsync()).Totals["completed"] == done);
            await stage.PushToAsync(stage.List + ":other", DeviceWorker.Jobs(1, round));
            await Soon.TrueAsync($"job {done} of the other queue is done", async () => (await other.CountAsync()).Totals["completed"] == done);
        }

        Assert.Equal(6144, Assert.Single(pool.Snapshot()).LeasedMiB);
        Assert.All(pool.Totals(), t => Assert.InRange(t.Loads, 2, t.Evictions + 1));
        Assert.True(pool.WhyWaiting(Stage.Queue) is GpuWait.Memory, $"the first queue waits for {pool.WhyWaiting(Stage.Queue)}");
    }
}
