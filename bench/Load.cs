using System.Diagnostics;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Hosting;
using Gristmill.Store;
using System.Text;
using System.Text.Json;

namespace Gristmill.Bench;

/// <summary>The parts that benches share: payloads, a silo in this process, the costs of Redis and of the silo.</summary>
internal static class Load
{
    public const string Queue = "bench";
    public const string List = "bench_list";

    /// <summary>About 200 bytes, as a speech producer would push them.</summary>
    public static byte[] Payload(int n) => Payload(n, $"session-{n % 100}");

    /// <summary>The same, of this session.</summary>
    public static byte[] Payload(int n, string session) =>
        Encoding.UTF8.GetBytes($$"""{"session_id":"{{session}}","chunk":{{n}},"queued_at":"2026-01-17T19:00:00Z","language":"en-GB","audio_url":"s3://recordings/2026/01/17/{{n:D9}}.wav","sample_rate":16000,"speaker":"unknown"}""");

    public static QueueStore Store(IRedisClient redis, string url) => new(redis, new RedisKeys("bench", RedisOptions.Parse(url).Database, Queue));

    public static Task PushAsync(IRedisClient redis, int jobs) => PushAsync(redis, jobs, Payload);

    public static async Task PushAsync(IRedisClient redis, int jobs, Func<int, byte[]> payload)
    {
        for (var at = 0; at < jobs; at += 1000)
        {
            var command = new RedisCommand("RPUSH", List);
            for (var n = at; n < Math.Min(jobs, at + 1000); n++) command.Add(payload(n));
            await redis.ExecuteAsync(command);
        }
    }

    public static async Task<long> MemoryAsync(IRedisClient redis) => await InfoAsync(redis, "memory", "used_memory") is { } text ? long.Parse(text) : 0;

    /// <summary>CPU seconds of Redis so far; 0 where it does not say.</summary>
    public static async Task<double> RedisCpuAsync(IRedisClient redis) =>
        double.Parse(await InfoAsync(redis, "cpu", "used_cpu_user") ?? "0", System.Globalization.CultureInfo.InvariantCulture)
        + double.Parse(await InfoAsync(redis, "cpu", "used_cpu_sys") ?? "0", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>CPU seconds of this process so far.</summary>
    public static double OwnCpu()
    {
        using var self = Process.GetCurrentProcess();
        return self.TotalProcessorTime.TotalSeconds;
    }

    /// <summary>A silo in this process, whose queue a no-op handler serves unless <paramref name="change"/> says otherwise.</summary>
    public static async Task<IHost> StartSiloAsync(BenchSettings settings, INoop handler, Action<QueueOptions>? change = null)
    {
        var queue = new QueueOptions { List = List, Handler = "noop", Concurrency = settings.Concurrency, KeepFinished = 10_000_000 };
        change?.Invoke(queue);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLogging(l => l.SetMinimumLevel(LogLevel.Warning).AddSimpleConsole());
        builder.Services.Configure<GristmillOptions>(o =>
        {
            o.Redis = settings.Redis;
            o.Service = "bench";
            o.Queues[Queue] = queue;
        });
        builder.Services.AddSingleton(handler);
        builder.Services.AddJobHandler<NoopHandler>("noop");
        builder.Services.AddGristmillSilo();
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private static async Task<string?> InfoAsync(IRedisClient redis, string section, string field)
    {
        var text = (await redis.ExecuteAsync(new RedisCommand("INFO", section))).AsString();
        return text.Split("\r\n").FirstOrDefault(l => l.StartsWith(field + ":", StringComparison.Ordinal))?[(field.Length + 1)..];
    }
}

/// <summary>Sees each call of the handler.</summary>
internal interface INoop
{
    void Called(JsonElement payload);
}

/// <summary>Sees nothing.</summary>
internal sealed class Ignore : INoop
{
    public void Called(JsonElement payload)
    {
    }
}

/// <summary>Does nothing.</summary>
internal sealed class NoopHandler(INoop seen) : IJobHandler<JsonElement, object?>
{
    private static readonly Task<object?> Nothing = Task.FromResult<object?>(null);

    public Task<object?> HandleAsync(JsonElement payload, JobContext context, CancellationToken cancellationToken)
    {
        seen.Called(payload);
        return Nothing;
    }
}
