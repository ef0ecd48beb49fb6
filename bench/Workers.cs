using System.Diagnostics;
using System.Text.Json.Nodes;
using Gristmill.Grains.Workers;
using Gristmill.Redis;

namespace Gristmill.Bench;

/// <summary>
/// What one warm worker process costs a job: a no-op in Python, one job at a time and in batches of 32. Jobs are pushed raw
/// before the start; timed from the first to the last that is finished, with their full records.
/// </summary>
internal static class Workers
{
    private const int BatchSize = 32;

    private const string Noop =
        """
        from gristmill_worker import handler, run
        @handler
        def nothing(payload, job): return None
        run()
        """;

    private const string NoopBatch =
        """
        from gristmill_worker import handler, run
        @handler(batch=32)
        def nothing(payloads, jobs): return [None] * len(jobs)
        run()
        """;

    public static async Task<JsonObject> RunAsync(BenchSettings settings, IRedisClient redis) => new()
    {
        ["singleJobsPerSecond"] = await MeasureAsync(settings, redis, Noop, 1),
        ["batchJobsPerSecond"] = await MeasureAsync(settings, redis, NoopBatch, BatchSize),
    };

    private static async Task<double> MeasureAsync(BenchSettings settings, IRedisClient redis, string program, int batch)
    {
        await redis.ExecuteAsync(new RedisCommand("FLUSHDB"));
        var store = Load.Store(redis, settings.Redis);
        await Load.PushAsync(redis, settings.Jobs);
        await using var events = await redis.SubscribeAsync(store.Keys.Events);
        using var silo = await Load.StartSiloAsync(settings, new Ignore(), queue =>
        {
            queue.Handler = null;
            queue.Worker = new WorkerOptions { Command = ["python3", "-c", program], BatchSize = batch };
            queue.Worker.Environment["PYTHONPATH"] = Path.Combine(AppContext.BaseDirectory, "python");
        });
        var (first, last) = await Throughput.FinishedAsync(events, settings.Jobs);
        await silo.StopAsync();
        return settings.Jobs / Stopwatch.GetElapsedTime(first, last).TotalSeconds;
    }
}
