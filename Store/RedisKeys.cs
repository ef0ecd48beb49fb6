using System.Text.RegularExpressions;

namespace Gristmill.Store;

/// <summary>
/// All key and channel names of Gristmill, and nowhere else. The keys of one queue share the hash tag {queue}, so that a
/// Redis Cluster keeps them in one slot; a list belongs to its producers and is named by them.
/// </summary>
public sealed partial class RedisKeys
{
    /// <summary>The schema of what stands behind these keys.</summary>
    public const string Schema = "1";

    /// <summary>
    /// What clients in other languages keep to: docs/redis-protocol.md says what may change with its second number, and that the
    /// first one changes with anything else.
    /// </summary>
    public const string Protocol = "1.0";

    /// <summary>Where every key of Gristmill begins; no foreign list may.</summary>
    public const string Prefix = "gristmill:";

    /// <summary>How many hashes a queue's records are spread over; the same number stands in Scripts/common.lua.</summary>
    public const int Shards = 16;

    /// <summary>How many numbers in a row fall into one shard; the same number stands in Scripts/common.lua.</summary>
    public const int RunOfShard = 512;

    private readonly string _prefix;
    private readonly string[] _jobs;

    /// <summary>The keys of one queue.</summary>
    /// <param name="service">The service id that keeps clusters on one Redis apart.</param>
    /// <param name="database">The database number: pub/sub knows none, so channels name it.</param>
    /// <param name="queue">The queue.</param>
    /// <exception cref="ArgumentException">A name has characters that keys do not allow.</exception>
    public RedisKeys(string service, int database, string queue)
    {
        if (!Name().IsMatch(service))
        {
            throw new ArgumentException($"The service id '{service}' may have letters, digits, '.', '_', ':' and '-', 1 to 128 of them.", nameof(service));
        }

        if (!Name().IsMatch(queue))
        {
            throw new ArgumentException($"The queue name '{queue}' may have letters, digits, '.', '_', ':' and '-', 1 to 128 of them.", nameof(queue));
        }

        Queue = queue;
        Service = service;
        _prefix = $"{Root(service)}{{{queue}}}:";
        _jobs = [.. Enumerable.Range(0, Shards).Select(n => $"{_prefix}jobs:{n}")];
        Events = $"{_prefix}events@{database}";
        Control = $"{_prefix}control@{database}";
    }

    /// <summary>The queue.</summary>
    public string Queue { get; }

    /// <summary>The service id.</summary>
    public string Service { get; }

    /// <summary>The channel of states and progress.</summary>
    public string Events { get; }

    /// <summary>The channel of what silos must hear: wake, cancel, state.</summary>
    public string Control { get; }

    /// <summary>The record shards, in order.</summary>
    public IReadOnlyList<string> Jobs => _jobs;

    /// <summary>The shard that holds the record of this number.</summary>
    public string JobsOf(long seq) => _jobs[seq / RunOfShard % Shards];

    /// <summary>A key of the queue by the name that scripts call it: meta, running, ready and so on.</summary>
    public string Of(string name) => _prefix + name;

    /// <summary>The lock of the silo that empties the outbox.</summary>
    public string OutboxLock => _prefix + "outbox-lock";

    /// <summary>The set of queues of a service, by name.</summary>
    public static string Queues(string service) => $"{Root(service)}queues";

    /// <summary>The scripts that clients call, and their version.</summary>
    public static string Scripts(string service) => $"{Root(service)}scripts";

    /// <summary>The set of the ids of a service's silos. No queue can have this hash tag: its name has an '@'.</summary>
    public static string Silos(string service) => $"{Root(service)}{{@silos}}:ids";

    /// <summary>A silo's record of itself.</summary>
    public static string Silo(string service, string id) => $"{Root(service)}{{@silos}}:silo:{id}";

    /// <summary>That a silo was asked to drain.</summary>
    public static string SiloDrain(string service, string id) => $"{Root(service)}{{@silos}}:drain:{id}";

    /// <summary>What models were seen to use of devices.</summary>
    public static string GpuPeaks(string service) => $"{Root(service)}{{@gpus}}:peaks";

    /// <summary>Where every key of a service begins.</summary>
    public static string Root(string service) => $"{Prefix}{service}:";

    /// <summary>Whether this may be the name of a queue or a service.</summary>
    public static bool IsName(string name) => Name().IsMatch(name);

    [GeneratedRegex("^[A-Za-z0-9._:-]{1,128}$")]
    private static partial Regex Name();
}
