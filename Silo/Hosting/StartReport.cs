using System.Globalization;
using System.Reflection;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Silo.EmbeddedStore;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Hosting;

/// <summary>What a person wants to see when a silo has started: the Redis, the queues with their lists, what does the work.</summary>
internal static class StartReport
{
    /// <summary>Says it, a line for each thing.</summary>
    public static async Task SayAsync(IServiceProvider services, IReadOnlyList<string> urls, EmbeddedGarnet? embedded)
    {
        var log = services.GetRequiredService<ILoggerFactory>().CreateLogger("Gristmill.Silo");
        var options = services.GetRequiredService<IOptions<GristmillOptions>>().Value;
        var redis = services.GetRequiredService<IRedisClient>();
        var version = typeof(StartReport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
        log.Started(version ?? "?", options.SiloName, options.Service);
        try
        {
            await redis.ExecuteAsync(new RedisCommand("PING"));
            log.RedisReached(redis.Describe(), redis.Server?.ToString() ?? "?", embedded is null ? string.Empty : ", embedded: set REDIS_URL to use a Redis of yours");
        }
        catch (RedisException error)
        {
            log.RedisMissing(error.Message);
        }

        var queues = services.GetRequiredService<SiloQueues>().All;
        if (queues.Count == 0) log.NoQueues();
        foreach (var queue in queues) await SayAsync(log, queue);
        log.Listening(string.Join(", ", urls), Access(options.Access));
    }

    private static string Access(AccessOptions access) => access switch
    {
        { Keys.Count: 0, Oidc: null, Insecure: true } => "OPEN TO EVERYBODY who reaches it (--insecure)",
        { Keys.Count: 0, Oidc: null } => "open to this machine",
        { Oidc: null } => $"for {Keys(access)}",
        _ => $"for {Keys(access)} and tokens of {access.Oidc.Authority}",
    };

    private static string Keys(AccessOptions access) => access.Keys.Count == 1 ? "1 key" : $"{access.Keys.Count} keys";

    private static async Task SayAsync(ILogger log, QueueRuntime queue)
    {
        var lists = new List<string>();
        foreach (var list in queue.Lists)
        {
            lists.Add($"{list.Name} ({await LengthAsync(queue, list.Name)})");
        }

        var options = queue.Options;
        var retry = options.Retry;
        var waits = string.Join(", ", Enumerable.Range(1, Math.Min(retry.Retries, 4))
            .Select(n => (Math.Min(retry.BaseSeconds * Math.Pow(retry.Factor, n - 1), retry.CapSeconds)).ToString("0.###", CultureInfo.InvariantCulture)));
        log.Queue(
            queue.Name, lists.Count == 0 ? "no list, API only" : $"{options.OldestAt().ToString().ToLowerInvariant()} of {string.Join(", ", lists)}", queue.Runner.Describe(),
            Math.Min(options.Concurrency, options.Worker?.Count ?? int.MaxValue), options.TimeoutSeconds, retry.Retries, waits.Length == 0 ? "none" : waits + (retry.Retries > 4 ? " …" : " s"));
    }

    private static async Task<string> LengthAsync(QueueRuntime queue, string list)
    {
        try
        {
            var length = await queue.Store.LengthAsync(list);
            return length == 1 ? "1 item" : string.Create(CultureInfo.InvariantCulture, $"{length} items");
        }
        catch (RedisServerException error) when (error.Code == "WRONGTYPE")
        {
            return "WRONG TYPE: it is no list";
        }
        catch (RedisException)
        {
            return "length unknown";
        }
    }
}
