using Gristmill.Grains.Gpu;
using Gristmill.Grains.Tests.Bridge;
using Gristmill.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Grains.Tests.Gpu;

/// <summary>C# handlers on made-up devices: each call has a lease, which it keeps until it has returned.</summary>
public sealed class GpuHandlerTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Fact]
    public async Task Handler_sees_its_device_and_no_more_calls_run_than_its_memory_holds()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync(
            q => q.Gpu = new GpuQueueOptions { MemoryMiB = 3000, Model = "voice" },
            s => s.Gpus.Devices.Add(new GpuDeviceOptions { Name = "mill", MemoryMiB = 8192, Device = "GPU-7" }));
        var pool = silo.Services.GetRequiredService<GpuPool>();
        await stage.PushAsync([.. Enumerable.Range(1, 5).Select(n => $$"""{"n":{{n}},"do":"hold"}""")]);
        await stage.Orders.TotalAsync(2);
        var gpu = stage.Orders.Calls[0].Job.Gpu!;
        Assert.Equal(("mill", "GPU-7", "configured", 3000, false), (gpu.Name, gpu.Id, gpu.Type, gpu.MemoryMiB, gpu.IsAlone));
        await Soon.TrueAsync("two run, the others wait in the list", async () => pool.Snapshot()[0].Running == 2 && (await stage.CountAsync()).Running == 2 && await stage.LengthAsync(stage.List) == 3);
        Assert.Equal(GpuWait.NoSlot, pool.WhyWaiting(Stage.Queue));
        for (var n = 1; n <= 5; n++) stage.Orders.Release(n);
        await stage.CompletedAsync(5);
        Assert.Equal(2, stage.Orders.Most);
        await Soon.TrueAsync("nothing is busy", () => pool.Snapshot()[0].Models.All(m => m.State == "idle"));
    }

    [Fact]
    public async Task Handler_that_ignores_its_time_limit_keeps_its_device_until_it_returns()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync(
            q =>
            {
                q.Gpu = new GpuQueueOptions { MemoryMiB = 6000 };
                (q.TimeoutSeconds, q.Retry.Retries) = (0.3, 0);
            },
            s => DeviceWorker.Device(s));
        await stage.PushAsync("""{"n":1,"do":"stubborn"}""", """{"n":2}""");
        await stage.Orders.ToldAsync(1);
        Assert.Equal((6000, "busy"), Held(silo));
        Assert.Equal([1], stage.Orders.Numbers);
        Assert.Equal(1, await stage.LengthAsync(stage.List));
        stage.Orders.Release(1);
        await stage.Orders.CalledAsync(2);
    }

    [Theory, InlineData("fail"), InlineData("fatal"), InlineData("ok")]
    public async Task Lease_is_free_again_however_a_call_ends(string what)
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync(
            q =>
            {
                q.Gpu = new GpuQueueOptions { MemoryMiB = 6000 };
                q.Retry.Retries = 1;
            },
            s => DeviceWorker.Device(s));
        for (var n = 1; n <= 3; n++) await stage.PushAsync($$"""{"n":{{n}},"do":"{{what}}"}""");
        await stage.CountsAsync("all have ended", c => c.Totals["completed"] + c.Dead == 3);
        await Soon.TrueAsync("the lease is idle", () => Held(silo) == (6000, "idle"));
    }

    [Fact]
    public async Task Queue_with_a_handler_and_one_with_workers_have_their_turns_on_one_device()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var workers = DeviceWorker.Store(stage, "workers");
        var silo = await stage.StartSiloAsync(q => q.Gpu = new GpuQueueOptions { MemoryMiB = 6000 }, s =>
        {
            DeviceWorker.Device(s);
            DeviceWorker.Add(s, "workers", stage.List + ":w", 6000);
            s.Gpus.TurnSeconds = 0.3;
        });
        var pool = silo.Services.GetRequiredService<GpuPool>();
        await stage.PushAsync([.. Enumerable.Range(1, 400).Select(n => $$"""{"n":{{n}}}""")]);
        await stage.PushToAsync(stage.List + ":w", DeviceWorker.Jobs(100));
        var most = 0;
        await Soon.TrueAsync("all jobs of both are done", async () =>
        {
            most = Math.Max(most, pool.Snapshot()[0].LeasedMiB);
            return (await stage.CountAsync()).Totals["completed"] == 400 && (await workers.CountAsync()).Totals["completed"] == 100;
        });
        Assert.Equal(6000, most);
    }

    [Fact]
    public async Task Exclusive_handler_shares_its_device_with_nobody()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var workers = DeviceWorker.Store(stage, "workers");
        var silo = await stage.StartSiloAsync(q => q.Gpu = new GpuQueueOptions { MemoryMiB = 1000, Exclusive = true }, s =>
        {
            DeviceWorker.Device(s);
            DeviceWorker.Add(s, "workers", stage.List + ":w", 1000);
        });
        await stage.PushToAsync(stage.List + ":w", DeviceWorker.Jobs(1));
        await Soon.TrueAsync("the worker is resident", async () => (await workers.CountAsync()).Totals["completed"] == 1);
        await stage.PushAsync("""{"n":1,"do":"hold"}""");
        await stage.Orders.CalledAsync(1);
        Assert.Equal((true, 8192), (stage.Orders.Calls[0].Job.Gpu!.IsAlone, stage.Orders.Calls[0].Job.Gpu!.MemoryMiB));
        Assert.Equal((8192, "busy"), Held(silo));
    }

    [Fact]
    public async Task What_a_handler_says_that_it_uses_raises_what_the_next_call_gets()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync(q => q.Gpu = new GpuQueueOptions { MemoryMiB = 1000 }, s => DeviceWorker.Device(s));
        await stage.PushAsync("""{"n":1,"do":"hold"}""");
        await stage.Orders.CalledAsync(1);
        stage.Orders.Calls[0].Job.Gpu!.ReportUsed(4000);
        await Soon.TrueAsync("the lease is raised, and the one that came for nothing is gone", () => Held(silo) == (4000, "busy"));
        Assert.Equal(4000, silo.Services.GetRequiredService<GpuPool>().Do(a => a.ObservedOf(Stage.Queue, "made-up")));
    }

    private static (int, string) Held(TestSilo silo)
    {
        var device = Assert.Single(silo.Services.GetRequiredService<GpuPool>().Snapshot());
        return (device.LeasedMiB, device.Models.Count == 0 ? "none" : Assert.Single(device.Models).State);
    }
}
