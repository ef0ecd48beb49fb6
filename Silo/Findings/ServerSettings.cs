using System.Globalization;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Configuration;

namespace Gristmill.Silo.Findings;

/// <summary>What the server's own settings do to jobs: eviction, a full memory, no persistence, and on a Redis Cluster lists in another slot.</summary>
internal static class ServerSettings
{
    private const double NearlyFull = 0.9;

    public static async Task LookAsync(Probe probe, GristmillOptions options, List<Finding> found, CancellationToken cancellationToken)
    {
        var info = await probe.AskAsync("INFO", new RedisCommand("INFO"), cancellationToken).ConfigureAwait(false);
        var facts = info is { IsNull: false } text ? ServerFacts.Parse(text.AsString()) : new Dictionary<string, string>();
        await MemoryAsync(probe, facts, found, cancellationToken).ConfigureAwait(false);
        await PersistenceAsync(probe, facts, found, cancellationToken).ConfigureAwait(false);
        if (facts.GetValueOrDefault("cluster_enabled") == "1") found.AddRange(SlotsOf(options));
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

    // INFO says these too, to users who may not read the settings.
    private static async Task MemoryAsync(Probe probe, IReadOnlyDictionary<string, string> facts, List<Finding> found, CancellationToken cancellationToken)
    {
        var policy = facts.GetValueOrDefault("maxmemory_policy") ?? await SettingAsync(probe, "maxmemory-policy", cancellationToken).ConfigureAwait(false);
        var limit = Number(facts.GetValueOrDefault("maxmemory") ?? await SettingAsync(probe, "maxmemory", cancellationToken).ConfigureAwait(false));
        if (policy is not (null or "" or "noeviction"))
        {
            var evicted = Number(facts.GetValueOrDefault("evicted_keys"));
            found.Add(new Finding("redis_may_evict", limit > 0 && policy.StartsWith("allkeys", StringComparison.Ordinal) ? Finding.Warning : Finding.Info, null,
                $"Redis may drop {(policy.StartsWith("allkeys", StringComparison.Ordinal) ? "jobs" : "keys that expire, such as the silos' records,")} when its memory is full: maxmemory-policy is {policy}, " +
                (limit > 0 ? $"with maxmemory {limit}" : "though maxmemory is 0 (no limit) now") + (evicted > 0 ? $"; it has dropped {evicted} keys since its start." : "."),
                "CONFIG SET maxmemory-policy noeviction, and in redis.conf; writes then fail instead, which Gristmill reports and survives."));
        }

        var used = Number(facts.GetValueOrDefault("used_memory"));
        if (limit > 0 && used > limit * NearlyFull)
        {
            found.Add(new Finding("redis_full", Finding.Warning, null,
                string.Create(CultureInfo.InvariantCulture, $"The memory of Redis is nearly full: {used} of {limit} bytes (maxmemory) are used."),
                "Raise maxmemory, keep fewer finished jobs (KeepFinished, KeepFinishedSeconds), or see who else fills it (redis-cli --bigkeys)."));
        }
    }

    private static async Task PersistenceAsync(Probe probe, IReadOnlyDictionary<string, string> facts, List<Finding> found, CancellationToken cancellationToken)
    {
        var file = await SettingAsync(probe, "appendonly", cancellationToken).ConfigureAwait(false);
        var snapshots = await SettingAsync(probe, "save", cancellationToken).ConfigureAwait(false);
        if (file == "no" && snapshots == "")
        {
            found.Add(new Finding("redis_forgets", Finding.Warning, null,
                "Redis keeps nothing on disk: when it restarts, all jobs are gone (appendonly is no, and save is empty).",
                "Set appendonly yes, in redis.conf and with CONFIG SET."));
        }

        var failing = new[] { "rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status" }.Where(f => facts.GetValueOrDefault(f) == "err").ToList();
        if (failing.Count > 0)
        {
            found.Add(new Finding("redis_cannot_save", Finding.Error, null,
                $"Redis cannot write to its disk ({string.Join(", ", failing.Select(f => f + " is err"))}): a restart loses what it could not write, and it may refuse writes (MISCONF).",
                "See the log of Redis; mostly the disk is full or the folder (CONFIG GET dir) is not its own."));
        }
    }

    private static async Task<string?> SettingAsync(Probe probe, string name, CancellationToken cancellationToken)
    {
        var reply = await probe.AskAsync("CONFIG GET", new RedisCommand("CONFIG", "GET", name), cancellationToken).ConfigureAwait(false);
        return reply is { Count: 2 } pair ? pair[1].AsStringOrNull() : null;
    }

    private static long Number(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0;
}
