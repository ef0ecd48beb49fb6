using System.Globalization;
using System.Text;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Commands;
using Gristmill.Silo.Hosting;
using Gristmill.Store;

namespace Gristmill.Silo.Bench;

/// <summary>
/// The service that a bench works in: its name is in all of its keys and in no other, which is how they are found again to
/// be removed.
/// </summary>
internal sealed class BenchService(IRedisClient redis, string url, BenchPlan plan)
{
    private const string Queue = "bench";
    private const int PushBatch = 1000;
    private const int ScanCount = 1000;

    // Payload, record, indexes, and the list before: measured at 750, with room.
    private const long BytesPerJob = 1500;

    /// <summary>The service id.</summary>
    public string Name { get; } = $"bench-{Guid.NewGuid():N}";

    /// <summary>The Redis.</summary>
    public IRedisClient Redis => redis;

    /// <summary>What is measured.</summary>
    public BenchPlan Plan => plan;

    /// <summary>The channel of its jobs' states.</summary>
    public string Events => new RedisKeys(Name, RedisOptions.Parse(url).Database, Queue).Events;

    // No foreign list may begin with gristmill:.
    private string List => $"{Name}:list";

    /// <summary>Refuses to fill a Redis that has no room: it would evict what others keep there.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        var memory = await InfoAsync("memory", cancellationToken);
        var (bound, used) = (Number(memory, "maxmemory"), Number(memory, "used_memory"));
        var needed = plan.Jobs * BytesPerJob;
        if (bound > 0 && used + needed > bound)
        {
            throw new CommandException(
                $"The Redis has no room: {plan.Jobs} jobs need about {needed >> 20} MiB, and {Math.Max(0, bound - used) >> 20} MiB of its maxmemory are left.", "Take fewer --jobs, or another Redis.");
        }
    }

    /// <summary>Pushes payloads of about 200 bytes, as a producer in any language would.</summary>
    public async Task PushAsync(int from, int count, CancellationToken cancellationToken)
    {
        for (var at = from; at < from + count; at += PushBatch)
        {
            var command = new RedisCommand("RPUSH", List);
            for (var n = at; n < Math.Min(from + count, at + PushBatch); n++) command.Add(Payload(n));
            await redis.ExecuteAsync(command, cancellationToken);
        }
    }

    /// <summary>A silo in this process that serves the queue, not started.</summary>
    public IHost BuildSilo(BenchHandler handler)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLogging(l => l.SetMinimumLevel(LogLevel.Error).AddSimpleConsole());
        builder.Services.Configure<GristmillOptions>(options =>
        {
            options.Redis = url;
            options.Service = Name;
            options.StatisticsSeconds = 0;
            options.ShutdownSeconds = 5;
            options.Queues[Queue] = new QueueOptions { List = List, Handler = BenchHandler.Name, Concurrency = plan.Concurrency, KeepFinished = 10_000_000 };
        });
        builder.Services.AddSingleton(handler);
        builder.Services.AddJobHandler<BenchHandler>(BenchHandler.Name);
        builder.Services.AddGristmillSilo();
        return builder.Build();
    }

    /// <summary>Removes every key that has the service's name in it.</summary>
    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        var cursor = "0";
        do
        {
            var page = await redis.ExecuteAsync(new RedisCommand("SCAN", cursor).Add("MATCH").Add($"*{Name}*").Add("COUNT").Add(ScanCount), cancellationToken);
            cursor = page[0].AsString();
            if (page[1].Count == 0) continue;
            var unlink = new RedisCommand("UNLINK");
            foreach (var key in page[1].AsList()) unlink.Add(key.AsString());
            await redis.ExecuteAsync(unlink, cancellationToken);
        }
        while (cursor != "0");
    }

    private static byte[] Payload(int n) => Encoding.UTF8.GetBytes(
        $$"""{"n":{{n}},"session_id":"session-{{n % 100}}","queued_at":"2026-01-17T19:00:00Z","language":"en-GB","audio_url":"s3://recordings/2026/01/17/{{n:D9}}.wav","sample_rate":16000,"speaker":"unknown"}""");

    private async Task<string> InfoAsync(string section, CancellationToken cancellationToken) =>
        (await redis.ExecuteAsync(new RedisCommand("INFO", section), cancellationToken)).AsString();

    // 0 where the server does not say.
    private static long Number(string info, string field)
    {
        var line = info.Split("\r\n").FirstOrDefault(l => l.StartsWith(field + ":", StringComparison.Ordinal));
        return long.TryParse(line?[(field.Length + 1)..], CultureInfo.InvariantCulture, out var number) ? number : 0;
    }
}
