namespace Gristmill.Store;

/// <summary>Of which type each key of a queue must be, as the headers of the scripts say.</summary>
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
}
