using Gristmill.Grains.Gpu;
using Gristmill.Grains.Options;
using Gristmill.Grains.Tests.Bridge;
using Gristmill.Grains.Tests.Workers;
using Gristmill.Store;
using Gristmill.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Grains.Tests.Gpu;

/// <summary>A whole silo with real worker processes on made-up devices.</summary>
public sealed class GpuPoolTests(SharedStores stores) : IClassFixture<SharedStores>
{
    // Says where it runs, or that its memory is not enough.
    private const string Program =
        """
        read -r hello
        echo '{"type":"ready","protocol":1,"gpu_memory_mib":100}'
        while read -r line; do
          id=$(printf %s "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
          case $line in
            *'"oom"'*) echo "{\"type\":\"error\",\"id\":$id,\"kind\":\"oom\",\"message\":\"too big\"}" ;;
            *'"type":"job"'*) echo "{\"type\":\"result\",\"id\":$id,\"result\":\"$GRISTMILL_GPU|$CUDA_VISIBLE_DEVICES|$GRISTMILL_GPU_MEMORY_MIB\"}" ;;
            *'"type":"stop"'*) exit 0 ;;
          esac
        done
        """;

    [Fact]
    public async Task Two_queues_share_four_devices_and_all_their_jobs_are_done()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var large = Store(stage, "large");
        await stage.PushAsync([.. Jobs(300)]);
        await stage.PushToAsync(stage.List + ":large", [.. Jobs(300)]);
        var silo = await stage.StartSiloAsync(q => Use(q, 3072, workers: 8), s =>
        {
            for (var i = 0; i < 4; i++) s.Gpus.Devices.Add(new GpuDeviceOptions { Name = $"mill{i}", MemoryMiB = 8192, Device = $"{i}" });
            Add(s, "large", stage.List + ":large", 6144, workers: 4);
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
    public async Task Queue_whose_worker_was_evicted_gets_one_back_when_jobs_come()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var other = Store(stage, "other");
        var silo = await stage.StartSiloAsync(q => Use(q, 6144), s =>
        {
            s.Gpus.Devices.Add(new GpuDeviceOptions { Name = "mill", MemoryMiB = 8192 });
            Add(s, "other", stage.List + ":other", 6144);
        });
        var pool = silo.Services.GetRequiredService<GpuPool>();
        for (var round = 1; round <= 2; round++)
        {
            var done = round;
            await stage.PushAsync(Jobs(1, round));
            await Soon.TrueAsync($"job {done} of the first queue is done", async () => (await stage.CountAsync()).Totals["completed"] == done);
            await stage.PushToAsync(stage.List + ":other", Jobs(1, round));
            await Soon.TrueAsync($"job {done} of the other queue is done", async () => (await other.CountAsync()).Totals["completed"] == done);
        }

        Assert.Equal(6144, Assert.Single(pool.Snapshot()).LeasedMiB);
        Assert.All(pool.Totals(), t => Assert.InRange(t.Loads, 2, t.Evictions + 1));
        Assert.True(pool.WhyWaiting(Stage.Queue) is GpuWait.Memory, $"the first queue waits for {pool.WhyWaiting(Stage.Queue)}");
    }

    [Fact]
    public async Task Job_that_runs_out_of_memory_dies_with_the_figures()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        await stage.StartSiloAsync(
            q =>
            {
                Use(q, 3000);
                q.OutOfMemoryBudget = 0;
            },
            s => s.Gpus.Devices.Add(new GpuDeviceOptions { Name = "mill", MemoryMiB = 8192 }));
        await stage.PushAsync("""{"job_id":"j1","do":"oom"}""");
        var dead = Assert.Single(await stage.DeadAsync(1));
        Assert.Equal("out_of_memory", dead.Header.Reason);
        Assert.Contains(
            "too big Model grist on mill (made-up): declared 3000 MiB, observed 100 MiB, free 5192 of 8192 MiB; idle models sent away: 0.",
            dead.Header.Errors[^1].Message, StringComparison.Ordinal);
    }

    private static QueueStore Store(Stage stage, string queue) => new(stage.Redis, new RedisKeys(stage.Service, 0, queue));

    private static string[] Jobs(int count, int first = 1) => [.. Enumerable.Range(first, count).Select(n => $$"""{"job_id":"j{{n}}"}""")];

    private static void Use(QueueOptions queue, int memoryMiB, int workers = 1)
    {
        queue.Worker = Pools.Patient(["sh", "-c", Program]);
        queue.Worker.Count = workers;
        queue.Gpu = new GpuQueueOptions { MemoryMiB = memoryMiB };
    }

    private static void Add(GristmillOptions silo, string name, string list, int memoryMiB, int workers = 1)
    {
        silo.Queues[name] = new QueueOptions { List = list };
        Use(silo.Queues[name], memoryMiB, workers);
    }
}
