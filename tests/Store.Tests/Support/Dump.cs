using Gristmill.Redis;

namespace Gristmill.Store.Tests.Support;

/// <summary>The whole database as text: each key with its type and content, sorted.</summary>
internal static class Dump
{
    public static async Task<string> AllAsync(TestQueue queue)
    {
        var keys = new SortedSet<string>(StringComparer.Ordinal);
        var cursor = "0";
        do
        {
            var reply = await queue.Do("SCAN", cursor, "COUNT", "1000");
            foreach (var key in reply[1].Items) keys.Add(key.AsString());
            cursor = reply[0].AsString();
        }
        while (cursor != "0");

        var lines = new List<string>();
        foreach (var key in keys)
        {
            var type = (await queue.Do("TYPE", key)).AsString();
            lines.Add($"{key} {type} {await ContentAsync(queue, key, type)}");
        }

        return string.Join('\n', lines);
    }

    private static async Task<string> ContentAsync(TestQueue queue, string key, string type) => type switch
    {
        "string" => (await queue.Do("GET", key)).AsString(),
        "list" => string.Join(" | ", Flat(await queue.Do("LRANGE", key, "0", "-1"))),
        "set" => string.Join(" | ", Flat(await queue.Do("SMEMBERS", key)).Order(StringComparer.Ordinal)),
        "hash" => string.Join(" | ", Flat(await queue.Do("HGETALL", key)).Chunk(2).Select(p => $"{p[0]}={p[1]}").Order(StringComparer.Ordinal)),
        _ => string.Join(" | ", Flat(await queue.Do("ZRANGE", key, "0", "-1", "WITHSCORES"))),
    };

    private static IEnumerable<string> Flat(RedisReply reply) =>
        reply.IsAggregate ? reply.AsList().SelectMany(Flat) : [reply.AsString()];
}
