using System.Diagnostics;
using System.Text.Json.Nodes;
using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Bench;

/// <summary>
/// What Redis does here with the same scripts in the same batches: claim and complete from a client that does nothing
/// else, two batches under way at any time so that Redis is never idle.
/// </summary>
internal static class Limit
{
    private const int Lanes = 2;

    public static async Task<JsonObject> RunAsync(BenchSettings settings, IRedisClient redis)
    {
        var store = Load.Store(redis, settings.Redis);
        var empty = await Load.MemoryAsync(redis);
        await Load.PushAsync(redis, settings.Jobs);
        await store.RenewAsync("limit", "limit", TimeSpan.FromMinutes(10), join: true);
        var redisCpu = await Load.RedisCpuAsync(redis);
        var ownCpu = Load.OwnCpu();
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Lanes).Select(lane => LaneAsync(store, settings, lane)));
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return new JsonObject
        {
            ["jobsPerSecond"] = settings.Jobs / seconds,
            ["redisCpuMicrosPerJob"] = (await Load.RedisCpuAsync(redis) - redisCpu) / settings.Jobs * 1e6,
            ["clientCpuMicrosPerJob"] = (Load.OwnCpu() - ownCpu) / settings.Jobs * 1e6,
            ["bytesPerJobDone"] = (double)(await Load.MemoryAsync(redis) - empty) / settings.Jobs,
        };
    }

    private static async Task LaneAsync(QueueStore store, BenchSettings settings, int lane)
    {
        for (long counter = lane + 1; ; counter += Lanes)
        {
            var reply = await store.ClaimAsync(
                new ClaimRequest { List = Load.List, Generation = "limit", Counter = counter, MaxItems = settings.Batch }, "limit");
            if (reply.Items.Count == 0) return;
            var completions = reply.Items.Select(item => new Completion(item.Seq, counter, Header(reply.Now), default)).ToList();
            await store.CompleteAsync("limit", completions, []);
        }
    }

    private static JobHeader Header(long now) => new()
    {
        EnqueuedAt = now,
        Attempts = 1,
        Outcome = JobState.Completed,
        StartedAt = now,
        FinishedAt = now,
        SessionId = "session-1",
        QueuedAt = now,
        Silo = "limit-host-12345",
    };
}
