using System.Text.Json;
using Gristmill.Store.Payloads;

namespace Gristmill.Client;

/// <summary>How a service reaches the cluster's queues. Checked when the host starts; each message names option, value and bound.</summary>
public sealed class GristmillClientOptions
{
    /// <summary>
    /// The Redis: <c>redis://user:password@host:6379/0</c>, or <c>rediss://</c> for TLS. Null (the default) shares the
    /// <c>IRedisClient</c> of the container, which the host must have registered.
    /// </summary>
    public string? Redis { get; set; }

    /// <summary>The database number of a shared <c>IRedisClient</c>, 0 to 1,000,000. With <see cref="Redis"/> the address says it. Default 0.</summary>
    public int Database { get; set; }

    /// <summary>The service id of the cluster: letters, digits, '.', '_', ':', '-', 1 to 128 of them. Default "default".</summary>
    public string Service { get; set; } = "default";

    /// <summary>
    /// Whether jobs without an id get one from the client, a GUID, before they are sent, so that a call whose answer was lost is
    /// made again and never makes a second job. Such an id costs an entry in the queue's index, some 150 bytes, for
    /// <see cref="ClientQueueOptions.IdWindow"/>. With false the store gives the id, which costs nothing, and a call whose
    /// answer was lost fails with <see cref="EnqueueFailedException"/>. Default true.
    /// </summary>
    public bool GenerateIds { get; set; } = true;

    /// <summary>How often a call is made again after a failure that allows it, 0 to 20. Default 3.</summary>
    public int MaxRetries { get; set; } = 3;

    /// <summary>The wait before the first repetition, twice as long before each further one. 1 ms to 10 s, default 100 ms.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How often watched jobs are read anew, in case that an event was lost. 100 ms to 10 min, default 10 s.
    /// </summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How old may be what is said of why a ready job does not start (<see cref="Job.WaitingFor"/>), for who reads many jobs a second.
    /// 0 to 10 s, default 0: each read asks anew.
    /// </summary>
    public TimeSpan WaitingForAge { get; set; }

    /// <summary>Jobs that may be watched or waited for at once, 1 to 1,000,000. Default 10,000.</summary>
    public int MaxWatchers { get; set; } = 10_000;

    /// <summary>
    /// How the overloads without a <c>JsonTypeInfo</c> write payloads and read results. Null (the default) is
    /// <see cref="JsonSerializerOptions.Web"/>: camelCase.
    /// </summary>
    public JsonSerializerOptions? Json { get; set; }

    /// <summary>
    /// What holds for queues that are not named in <see cref="Queues"/> and of which no silo has said anything yet; of the others
    /// <see cref="ClientQueueOptions.MaxReady"/> alone.
    /// </summary>
    public ClientQueueOptions Defaults { get; set; } = new();

    /// <summary>
    /// Queues with settings of their own, by name: for these alone what the queue's silos say in Redis is not asked for. Needed
    /// only by who enqueues before a silo has ever served the queue.
    /// </summary>
    public Dictionary<string, ClientQueueOptions> Queues { get; set; } = [];
}

/// <summary>What a client must know of a queue to enqueue as its silos expect it.</summary>
public sealed class ClientQueueOptions
{
    /// <summary>The largest payload in bytes, 1 to 536,870,912. Default 1,048,576.</summary>
    public int MaxPayloadBytes { get; set; } = 1024 * 1024;

    /// <summary>Whether a payload may be anything but a JSON object. Default false.</summary>
    public bool AllowOpaque { get; set; }

    /// <summary>The library whose messages are payloads too, as the queue's silos have it; null, the default, for none.</summary>
    public Dialect? Dialect { get; set; }

    /// <summary>The names of the payload's members that say something of the job.</summary>
    public PayloadFields Fields { get; set; } = PayloadFields.Default;

    /// <summary>How long an explicit id is remembered, 1 s to 30 days. Default one day.</summary>
    public TimeSpan IdWindow { get; set; } = TimeSpan.FromDays(1);

    /// <summary>
    /// Ready jobs that the queue may hold; beyond, enqueueing fails with <see cref="QueueFullException"/>. 1 to 1,000,000,000,
    /// or 0 for no bound. Default 1,000,000.
    /// </summary>
    public int MaxReady { get; set; } = 1_000_000;

    /// <summary>
    /// Jobs of the queue that may wait for their time, for other jobs or for another attempt; beyond, enqueueing one that would
    /// wait fails with <see cref="QueueFullException"/>. 1 to 10,000,000, or 0 for no bound. Default 100,000.
    /// </summary>
    public int MaxWaiting { get; set; } = 100_000;

    /// <summary>
    /// What a job's reply list must begin with, as the queue's silos have it; empty where there are no replies. Null, the default, for
    /// not known: then silos find out.
    /// </summary>
    public IReadOnlyList<string>? ReplyToPrefixes { get; set; }
}
