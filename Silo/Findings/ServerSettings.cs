using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Configuration;

namespace Gristmill.Silo.Findings;

/// <summary>What the server's own settings do to jobs: eviction, no persistence, and on a Redis Cluster lists in another slot.</summary>
internal static class ServerSettings
{
    public static async Task LookAsync(Probe probe, GristmillOptions options, List<Finding> found, CancellationToken cancellationToken)
    {
        await EvictionAsync(probe, found, cancellationToken).ConfigureAwait(false);
        await PersistenceAsync(probe, found, cancellationToken).ConfigureAwait(false);
        if (await IsClusterAsync(probe, cancellationToken).ConfigureAwait(false))
        {
            found.AddRange(SlotsOf(options));
        }
    }

    /// <summary>On a Redis Cluster the lists of a queue must lie in the slot of the queue's own keys.</summary>
    public static IEnumerable<Finding> SlotsOf(GristmillOptions options) =>
        from queue in options.Queues
        from list in queue.Value.AllLists()
        let slot = ClusterSlot.Of($"{{{queue.Key}}}")
        where ClusterSlot.Of(list.Name) != slot
        select new Finding("list_in_other_slot", Finding.Error, queue.Key,
            $"This is a Redis Cluster, and the list '{list.Name}' lies in slot {ClusterSlot.Of(list.Name)} while the queue '{queue.Key}' lies in slot {slot}: no script can move jobs between them.",
            $"Name the list so that both share a slot, such as '{{{queue.Key}}}:jobs', or call the queue '{list.Name}'.");

    private static async Task EvictionAsync(Probe probe, List<Finding> found, CancellationToken cancellationToken)
    {
        var policy = await SettingAsync(probe, "maxmemory-policy", cancellationToken).ConfigureAwait(false);
        var memory = await SettingAsync(probe, "maxmemory", cancellationToken).ConfigureAwait(false);
        if (policy is not (null or "noeviction") && memory is not (null or "0"))
        {
            found.Add(new Finding("redis_may_evict", Finding.Warning, null,
                $"Redis may drop jobs when its memory is full: maxmemory-policy is {policy}, with maxmemory {memory}.",
                "CONFIG SET maxmemory-policy noeviction; writes then fail instead, which Gristmill reports and survives."));
        }
    }

    private static async Task PersistenceAsync(Probe probe, List<Finding> found, CancellationToken cancellationToken)
    {
        var file = await SettingAsync(probe, "appendonly", cancellationToken).ConfigureAwait(false);
        var snapshots = await SettingAsync(probe, "save", cancellationToken).ConfigureAwait(false);
        if (file == "no" && snapshots == "")
        {
            found.Add(new Finding("redis_forgets", Finding.Warning, null,
                "Redis keeps nothing on disk: when it restarts, all jobs are gone (appendonly is no, and save is empty).",
                "Set appendonly yes, in redis.conf and with CONFIG SET."));
        }
    }

    private static async Task<string?> SettingAsync(Probe probe, string name, CancellationToken cancellationToken)
    {
        var reply = await probe.AskAsync("CONFIG GET", new RedisCommand("CONFIG", "GET", name), cancellationToken).ConfigureAwait(false);
        return reply is { Count: 2 } pair ? pair[1].AsStringOrNull() : null;
    }

    private static async Task<bool> IsClusterAsync(Probe probe, CancellationToken cancellationToken)
    {
        var reply = await probe.AskAsync("INFO", new RedisCommand("INFO", "cluster"), cancellationToken).ConfigureAwait(false);
        return reply is { IsNull: false } info && info.AsString().Contains("cluster_enabled:1", StringComparison.Ordinal);
    }
}
