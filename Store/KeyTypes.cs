using Gristmill.Redis;

namespace Gristmill.Store;

/// <summary>Of which type each key of a queue must be, as the headers of the scripts say, and each that the queues of a service share.</summary>
public static class KeyTypes
{
    private static readonly IReadOnlyList<(string Name, string Type)> Names =
    [
        .. StoreScript.All.SelectMany(verb => StoreScript.Load(verb).Keys)
            .Where(key => key.Count == 1 && key.Name != "list")
            .Select(key => (key.Name, key.Type)).Distinct().OrderBy(key => key.Name, StringComparer.Ordinal),
    ];

    /// <summary>The queue's keys and their types: hash, zset, list or string.</summary>
    public static IEnumerable<(string Key, string Type)> Of(RedisKeys keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return Names.Select(n => (keys.Of(n.Name), n.Type)).Concat(keys.Jobs.Select(shard => (shard, "hash")));
    }

    /// <summary>The keys that belong to no queue, and their types.</summary>
    public static IEnumerable<(string Key, string Type)> Of(string service) =>
        [(RedisKeys.Queues(service), "set"), (RedisKeys.Silos(service), "set"), (RedisKeys.Scripts(service), "hash"), (RedisKeys.GpuPeaks(service), "hash")];

    /// <summary>Which key made Redis refuse a command with <see cref="RedisErrorCode.WrongType"/>; null when all are as they should be.</summary>
    /// <param name="redis">The connection.</param>
    /// <param name="expected">The keys that it may be, and their types.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="RedisException">Redis failed.</exception>
    public static async Task<WrongTypeException?> FindWrongAsync(IRedisClient redis, IEnumerable<(string Key, string Type)> expected, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(redis);
        var keys = expected.ToList();
        var types = await Task.WhenAll(keys.Select(k => redis.ExecuteAsync(new RedisCommand("TYPE", k.Key), cancellationToken).AsTask())).ConfigureAwait(false);
        for (var i = 0; i < keys.Count; i++)
        {
            if (types[i].AsString() is var type && type != "none" && type != keys[i].Type) return new WrongTypeException(keys[i].Key, type, keys[i].Type);
        }

        return null;
    }
}
