namespace Gristmill.Engine;

/// <summary>
/// All keys of the engine in Redis, and nowhere else. The grain's key comes last, so that whatever it contains no two
/// keys are the same; the braces keep all keys of one grain in one slot of a Redis Cluster.
/// </summary>
internal static class RedisKeys
{
    /// <summary>A state of a grain: a hash with its version and its bytes.</summary>
    public static string State(string serviceId, StateId id) =>
        $"gristmill:state:{id.Store}:{id.Name}:{{{serviceId}/{id.Grain.Type}/{id.Grain.Key}}}";
}
