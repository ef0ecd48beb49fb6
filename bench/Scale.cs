using System.Diagnostics;
using System.Text.Json.Nodes;
using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Bench;

/// <summary>
/// What more silos bring. Four do how many times the work of one where a handler waits for 20 ms, 20 at a time on each; and
/// how much is left with three where there is nothing to win: a no-op handler, on a machine that one silo and Redis fill.
/// Jobs are pushed raw while the queue is paused; timed from the end of the pause to the last that is finished.
/// </summary>
internal static class Scale
{
    private const int WaitSlots = 20;
    private const int WaitSeconds = 5;

    // Until the code that matters is compiled for good; it is compiled in each process anew.
    private const int WaitWarmUp = 15_000;
    private const int NoopWarmUp = 40_000;

    public static async Task<JsonObject> RunAsync(BenchSettings settings, IRedisClient redis)
    {
        // As many jobs as a silo can do in so many seconds, so that the start and the end weigh the same.
        var waits = (int)(WaitSeconds / SiloWaitHandler.Time.TotalSeconds * WaitSlots);
        var waitOne = await MeasureAsync(settings, redis, 1, SiloWaitHandler.Name, WaitSlots, WaitWarmUp, waits);
        var waitFour = await MeasureAsync(settings, redis, 4, SiloWaitHandler.Name, WaitSlots, WaitWarmUp, 4 * waits);
        var noopOne = await MeasureAsync(settings, redis, 1, SiloNoopHandler.Name, settings.Concurrency, NoopWarmUp, settings.Jobs);
        var noopThree = await MeasureAsync(settings, redis, 3, SiloNoopHandler.Name, settings.Concurrency, NoopWarmUp, settings.Jobs);
        var result = new JsonObject
        {
            ["waitTimes4"] = waitFour.JobsPerSecond / waitOne.JobsPerSecond,
            ["noopShare3"] = noopThree.JobsPerSecond / noopOne.JobsPerSecond,
        };
        foreach (var (name, figures) in new[] { ("wait1", waitOne), ("wait4", waitFour), ("noop1", noopOne), ("noop3", noopThree) })
        {
            result[$"{name}JobsPerSecond"] = figures.JobsPerSecond;
            result[$"{name}SiloCpuMicrosPerJob"] = figures.SiloCpuMicros;
            result[$"{name}RedisCpuMicrosPerJob"] = figures.RedisCpuMicros;
        }

        return result;
    }

    private static async Task<Figures> MeasureAsync(BenchSettings settings, IRedisClient redis, int silos, string handler, int concurrency, int warmUpPerSilo, int jobs)
    {
        await redis.ExecuteAsync(new RedisCommand("FLUSHDB"));
        var store = Load.Store(redis, settings.Redis);
        await using var events = await redis.SubscribeAsync(store.Keys.Events);
        await using var group = await SiloGroup.StartAsync(settings, redis, store, silos, handler, concurrency);
        var warmUp = silos * warmUpPerSilo;
        await Load.PushAsync(redis, warmUp);
        await Throughput.FinishedAsync(events, warmUp);
        await store.SetModeAsync(QueueMode.Paused);
        await Load.PushAsync(redis, jobs);
        var (redisCpu, siloCpu) = (await Load.RedisCpuAsync(redis), group.Cpu());
        var began = Stopwatch.GetTimestamp();
        await store.SetModeAsync(QueueMode.Open);
        var (_, last) = await Throughput.FinishedAsync(events, jobs);
        var figures = new Figures(
            jobs / Stopwatch.GetElapsedTime(began, last).TotalSeconds, (group.Cpu() - siloCpu) / jobs * 1e6, (await Load.RedisCpuAsync(redis) - redisCpu) / jobs * 1e6);
        var counts = await store.CountAsync();
        if (counts.Totals["completed"] != jobs + warmUp) throw new InvalidOperationException($"{counts.Totals["completed"]} of {jobs + warmUp} jobs are recorded as completed.");
        return figures;
    }

    private sealed record Figures(double JobsPerSecond, double SiloCpuMicros, double RedisCpuMicros);
}
