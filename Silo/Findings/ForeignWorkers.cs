using System.Text.Json;
using Gristmill.Redis;

namespace Gristmill.Silo.Findings;

/// <summary>A worker of another library, as it says of itself in Redis.</summary>
/// <param name="Library">RQ, Sidekiq and so on.</param>
/// <param name="Name">What tells a person which one it is.</param>
/// <param name="Queues">The queues that it listens to, by their names in that library.</param>
/// <param name="Keys">Where these queues' jobs lie.</param>
internal sealed record ForeignWorker(string Library, string Name, IReadOnlyList<string> Queues, IReadOnlyList<string> Keys);

/// <summary>
/// Workers of other libraries that wait for jobs at an empty queue while a list fills that nobody takes from: all is green,
/// and nothing is done. They are known by the registries that RQ, Sidekiq, Resque and asynq keep, by ARQ's health check, and
/// by the names of BullMQ's connections; Celery's workers keep none.
/// </summary>
internal static class ForeignWorkers
{
    private const int MostWorkers = 20;
    private const int MostQueues = 10;

    public static async Task LookAsync(
        Probe probe, ConfiguredLists configured, ClusterLook cluster, ForeignQueues foreign, IReadOnlyList<RedisPeer> clients, List<Finding> found, CancellationToken cancellationToken)
    {
        if (Starved(configured, cluster, foreign) is not { } starved) return;
        var workers = new List<ForeignWorker>();
        workers.AddRange(await RqAsync(probe, cancellationToken).ConfigureAwait(false));
        workers.AddRange(await SidekiqAsync(probe, cancellationToken).ConfigureAwait(false));
        workers.AddRange(await ResqueAsync(probe, cancellationToken).ConfigureAwait(false));
        workers.AddRange(await AsynqAsync(probe, cancellationToken).ConfigureAwait(false));
        workers.AddRange(await ArqAsync(probe, cancellationToken).ConfigureAwait(false));
        workers.AddRange(clients.Where(c => c.BullQueue is not null).Select(c => new ForeignWorker("BullMQ", c.Address, [c.BullQueue!], [$"bull:{c.BullQueue}:wait"])));
        foreach (var worker in workers.Take(MostWorkers))
        {
            if (worker.Keys.Contains(starved.Name) || await HasWorkAsync(probe, worker, cancellationToken).ConfigureAwait(false)) continue;
            var queues = string.Join(", ", worker.Queues.Zip(worker.Keys, (q, key) => $"'{q}' (key '{key}')"));
            found.Add(new Finding("worker_elsewhere", Finding.Warning, starved.Queue,
                $"The {worker.Library} worker {worker.Name} listens to {queues}, which is empty, while the list '{starved.Name}' has {starved.Length} items and nobody takes from it.",
                $"Workers of {worker.Library} do not take what is pushed to '{starved.Name}': configure a queue of Gristmill with this list, or enqueue with {worker.Library}."));
        }
    }

    // The list with most items of which nobody takes any: one of ours without a silo, or one that nobody is configured for.
    private static (string Name, long Length, string? Queue)? Starved(ConfiguredLists configured, ClusterLook cluster, ForeignQueues foreign)
    {
        var unserved = cluster.Queues.Where(q => !q.IsServed).Select(q => q.Name).ToHashSet(StringComparer.Ordinal);
        var ours = configured.All.Where(l => l.Length > 0 && unserved.Contains(l.Queue)).Select(l => (l.Name, l.Length, (string?)l.Queue));
        var others = foreign.Candidates.Where(c => c is { IsList: true, Dialect: null, IsWorkedOff: false, Length: > 0 }).Select(c => (c.Key, c.Length, (string?)null));
        return ours.Concat(others).OrderByDescending(l => l.Item3 is not null).ThenByDescending(l => l.Item2).Select(l => ((string, long, string?)?)l).FirstOrDefault();
    }

    private static async Task<bool> HasWorkAsync(Probe probe, ForeignWorker worker, CancellationToken cancellationToken)
    {
        foreach (var key in worker.Keys)
        {
            if (await probe.ExistsAsync(key, cancellationToken).ConfigureAwait(false)) return true;
        }

        return false;
    }

    private static async Task<List<ForeignWorker>> RqAsync(Probe probe, CancellationToken cancellationToken)
    {
        var workers = new List<ForeignWorker>();
        foreach (var key in await SomeOfAsync(probe, "rq:workers", cancellationToken).ConfigureAwait(false))
        {
            var reply = await probe.AskAsync("HMGET", new RedisCommand("HMGET", key, "queues", "hostname", "pid", "state"), cancellationToken).ConfigureAwait(false);
            if (reply is not { Count: 4 } facts || facts[0].IsNull) continue;
            workers.Add(Make("RQ", $"'{key.Split(':')[^1]}' on {facts[1].AsStringOrNull()} (process {facts[2].AsStringOrNull()}, {facts[3].AsStringOrNull()})", facts[0].AsString().Split(','), "rq:queue:"));
        }

        return workers;
    }

    private static async Task<List<ForeignWorker>> SidekiqAsync(Probe probe, CancellationToken cancellationToken)
    {
        var workers = new List<ForeignWorker>();
        foreach (var identity in await SomeOfAsync(probe, "processes", cancellationToken).ConfigureAwait(false))
        {
            var reply = await probe.AskAsync("HGET", new RedisCommand("HGET", identity, "info"), cancellationToken).ConfigureAwait(false);
            if (reply is { IsNull: false } info && QueuesOf(info.Bytes) is { Count: > 0 } queues) workers.Add(Make("Sidekiq", $"'{identity}'", queues, "queue:"));
        }

        return workers;
    }

    private static async Task<List<ForeignWorker>> ResqueAsync(Probe probe, CancellationToken cancellationToken) =>
        [.. (await SomeOfAsync(probe, "resque:workers", cancellationToken).ConfigureAwait(false))
            .Select(w => (Name: w, Parts: w.Split(':'))).Where(w => w.Parts.Length >= 3)
            .Select(w => Make("Resque", $"'{w.Name}'", w.Parts[^1].Split(','), "resque:queue:"))];

    // What an asynq server listens to stands in a form of its own; the queues that there are stand in a set.
    private static async Task<List<ForeignWorker>> AsynqAsync(Probe probe, CancellationToken cancellationToken)
    {
        var servers = await probe.AskAsync("ZRANGE", new RedisCommand("ZRANGE", "asynq:servers", "0", "4"), cancellationToken).ConfigureAwait(false);
        if (servers is not { Count: > 0 } keys) return [];
        var queues = await SomeOfAsync(probe, "asynq:queues", cancellationToken).ConfigureAwait(false);
        return queues.Count == 0 ? [] : [.. keys.AsList().Where(k => !k.IsAggregate).Select(k => new ForeignWorker(
            "Asynq", $"'{k.AsString()}'", queues, [.. queues.Select(q => $"asynq:{{{q}}}:pending")]))];
    }

    private static async Task<List<ForeignWorker>> ArqAsync(Probe probe, CancellationToken cancellationToken) =>
        await probe.ExistsAsync("arq:queue:health-check", cancellationToken).ConfigureAwait(false) ? [new ForeignWorker("ARQ", "with ARQ's default queue name", ["arq:queue"], ["arq:queue"])] : [];

    private static ForeignWorker Make(string library, string name, IEnumerable<string> queues, string prefix)
    {
        var some = queues.Take(MostQueues).ToList();
        return new ForeignWorker(library, name, some, [.. some.Select(q => prefix + q)]);
    }

    private static async Task<IReadOnlyList<string>> SomeOfAsync(Probe probe, string set, CancellationToken cancellationToken) =>
        await probe.AskAsync("SRANDMEMBER", new RedisCommand("SRANDMEMBER", set).Add(MostWorkers), cancellationToken).ConfigureAwait(false) is { IsAggregate: true } members
            ? [.. members.AsList().Select(m => m.AsString()).Order(StringComparer.Ordinal)]
            : [];

    private static List<string> QueuesOf(ReadOnlyMemory<byte> info)
    {
        try
        {
            using var json = JsonDocument.Parse(info);
            return json.RootElement.TryGetProperty("queues", out var queues) && queues.ValueKind == JsonValueKind.Array
                ? [.. queues.EnumerateArray().Where(q => q.ValueKind == JsonValueKind.String).Select(q => q.GetString()!)]
                : [];
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Not Sidekiq's: the set's name is one that anybody may choose.
            return [];
        }
    }
}
