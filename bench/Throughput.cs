using System.Diagnostics;
using System.Text.Json.Nodes;
using Gristmill.Redis;
using Gristmill.Silo.Bench;

namespace Gristmill.Bench;

/// <summary>Jobs pushed raw before the start, through a no-op handler; timed from the first to the last that is finished.</summary>
internal static class Throughput
{
    public static async Task<JsonObject> RunAsync(BenchSettings settings, IRedisClient redis)
    {
        var store = Load.Store(redis, settings.Redis);
        var empty = await Load.MemoryAsync(redis);
        await Load.PushAsync(redis, settings.Jobs);
        var queued = await Load.MemoryAsync(redis);
        await using var events = await redis.SubscribeAsync(store.Keys.Events);
        var redisCpu = await Load.RedisCpuAsync(redis);
        var ownCpu = Load.OwnCpu();
        var silo = await Load.StartSiloAsync(settings, new Ignore());
        var (first, last) = await FinishedAsync(events, settings.Jobs);
        var ownCost = Load.OwnCpu() - ownCpu;
        var redisCost = await Load.RedisCpuAsync(redis) - redisCpu;
        await silo.StopAsync();
        silo.Dispose();
        var done = await Load.MemoryAsync(redis);
        var counts = await store.CountAsync();
        if (counts.Totals["completed"] != settings.Jobs) throw new InvalidOperationException($"{counts.Totals["completed"]} of {settings.Jobs} jobs are recorded as completed.");
        return new JsonObject
        {
            ["jobsPerSecond"] = settings.Jobs / Stopwatch.GetElapsedTime(first, last).TotalSeconds,
            ["redisCpuMicrosPerJob"] = redisCost / settings.Jobs * 1e6,
            ["siloCpuMicrosPerJob"] = ownCost / settings.Jobs * 1e6,
            ["bytesPerJobQueued"] = (double)(queued - empty) / settings.Jobs,
            ["bytesPerJobDone"] = (double)(done - empty) / settings.Jobs,
        };
    }

    /// <summary>When the first of so many jobs was finished, and when the last, by the events.</summary>
    public static Task<(long First, long Last)> FinishedAsync(RedisSubscription events, int jobs) => FinishedJobs.WaitAsync(events, jobs, TimeProvider.System);
}
