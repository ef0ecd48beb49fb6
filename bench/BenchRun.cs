using System.Globalization;
using System.Text.Json.Nodes;
using Gristmill.Redis;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Bench;

/// <summary>What a bench is asked to do.</summary>
internal sealed record BenchSettings(string Redis, int Jobs, int Runs, int Concurrency, int Batch, bool Json);

/// <summary>Reads the arguments, runs a bench several times, and prints the medians.</summary>
internal static class BenchRun
{
    private const string Help = """
        gristmill-bench throughput|latency|limit|scale|workers|sessions|calls|http [--jobs N] [--redis URL] [--runs N] [--concurrency N] [--batch N] [--json]

          throughput  jobs of about 200 bytes, pushed raw before the start, through a no-op C# handler
          latency     one push every 10 ms to an idle silo: push -> start of the handler
          limit       what Redis does here with the same batched scripts, without a silo
          scale       silos as processes: four against one with a handler that waits 20 ms, three against one with a no-op
          workers     a no-op in one Python worker: one job at a time, and in batches of 32
          sessions    what an open session costs, and jobs of sessions beside the same jobs without
          calls       calls of grains: on one silo, and from one silo to another
          http        2,000 requests a second to the HTTP API of a silo while 200 readers follow jobs; --jobs requests in all

          --redis     default redis://127.0.0.1:6379; use a database of its own (/9): the bench flushes it
        """;

    public static int Usage()
    {
        Console.Error.WriteLine(Help);
        return 2;
    }

    public static async Task<int> RunAsync(string[] args, Func<BenchSettings, IRedisClient, Task<JsonObject>> bench)
    {
        if (Parse(args) is not { } settings) return Usage();
        await using var redis = RedisClient.Connect(RedisOptions.Parse(settings.Redis), NullLoggerFactory.Instance);
        var runs = new List<JsonObject>();
        for (var run = 0; run < settings.Runs; run++)
        {
            await redis.ExecuteAsync(new RedisCommand("FLUSHDB"));
            runs.Add(await bench(settings, redis));
            if (!settings.Json) Console.Error.WriteLine($"run {run + 1}: {runs[^1].ToJsonString()}");
        }

        await redis.ExecuteAsync(new RedisCommand("FLUSHDB"));
        var medians = Medians(args[0], settings, runs, redis.Server?.ToString() ?? "?");
        if (settings.Json)
        {
            Console.WriteLine(medians.ToJsonString());
        }
        else
        {
            foreach (var (name, value) in medians) Console.WriteLine($"{name,-24} {value?.ToJsonString()}");
        }

        return 0;
    }

    private static JsonObject Medians(string name, BenchSettings settings, List<JsonObject> runs, string server)
    {
        var result = new JsonObject { ["bench"] = name, ["server"] = server, ["runs"] = runs.Count, ["jobs"] = settings.Jobs };
        foreach (var key in runs[0].Select(p => p.Key))
        {
            var values = runs.Select(r => r[key]!.GetValue<double>()).Order().ToList();
            result[key] = Math.Round(values[values.Count / 2], 3);
        }

        return result;
    }

    private static BenchSettings? Parse(string[] args)
    {
        var settings = new BenchSettings("redis://127.0.0.1:6379", 100_000, 3, 512, 100, false);
        for (var i = 1; i < args.Length; i++)
        {
            var value = i + 1 < args.Length ? args[i + 1] : string.Empty;
            switch (args[i])
            {
                case "--json": settings = settings with { Json = true }; continue;
                case "--redis": settings = settings with { Redis = value }; break;
                case "--jobs" when Number(value, out var n): settings = settings with { Jobs = n }; break;
                case "--runs" when Number(value, out var n): settings = settings with { Runs = n }; break;
                case "--concurrency" when Number(value, out var n): settings = settings with { Concurrency = n }; break;
                case "--batch" when Number(value, out var n): settings = settings with { Batch = n }; break;
                default: return null;
            }

            i++;
        }

        return settings;
    }

    private static bool Number(string text, out int number) => int.TryParse(text, CultureInfo.InvariantCulture, out number) && number > 0;
}
