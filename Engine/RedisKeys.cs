namespace Gristmill.Engine;

/// <summary>
/// All keys of the engine in Redis, and nowhere else. A state's key ends with the grain's key, so that whatever it
/// contains no two keys are the same, and the braces keep all states of one grain in one slot of a Redis Cluster.
/// </summary>
internal static class RedisKeys
{
    /// <summary>A state of a grain: a hash with its version and its bytes.</summary>
    public static string State(string serviceId, StateId id) =>
        $"gristmill:state:{id.Store}:{id.Name}:{{{serviceId}/{id.Grain.Type}/{id.Grain.Key}}}";
}

/// <summary>
/// The keys of one cluster: who its members are, which of them holds which grain, and what they send each other. All
/// of them carry one hash tag, so that a script may touch any of them together.
/// </summary>
internal sealed class ClusterKeys(string serviceId, string clusterId, int database)
{
    private readonly string _prefix = $"gristmill:cluster:{{{serviceId}/{clusterId}}}:";

    /// <summary>A hash: member id -> its record.</summary>
    public string Members => _prefix + "members";

    /// <summary>A hash: member id -> how busy it is.</summary>
    public string Loads => _prefix + "loads";

    /// <summary>A sorted set: member ids by when their membership ends, in ms of the server's clock. Who is in it is a member.</summary>
    public string Alive => _prefix + "alive";

    /// <summary>A hash: "version", which grows with each change of the membership, and "tick", the time of the last renewal.</summary>
    public string View => _prefix + "view";

    /// <summary>A sorted set: ids of former members that have left traces to be purged, by when they ended.</summary>
    public string Dead => _prefix + "dead";

    /// <summary>A hash: grain -> the id of the member that holds its activation.</summary>
    public string Directory => _prefix + "directory";

    /// <summary>The keys above, and of which type each must be.</summary>
    public IEnumerable<(string Key, string Type)> Types => [(Members, "hash"), (Loads, "hash"), (Alive, "zset"), (View, "hash"), (Dead, "zset"), (Directory, "hash")];

    /// <summary>The channel of new versions of the membership. Pub/sub knows no databases, so it names its own.</summary>
    public string Changed { get; } = $"gristmill:cluster:{{{serviceId}/{clusterId}}}:changed@{database}";

    /// <summary>A set: the grains that a member has registered.</summary>
    public string Held(string member) => $"{_prefix}held:{member}";

    /// <summary>A list: the messages to a member, oldest first.</summary>
    public string Inbox(string member) => $"{_prefix}inbox:{member}";
}
