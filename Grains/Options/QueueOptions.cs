using Gristmill.Grains.Gpu;
using Gristmill.Grains.Workers;
using Gristmill.Store;
using Gristmill.Store.Payloads;

namespace Gristmill.Grains.Options;

/// <summary>
/// One queue: its lists, what does its work, and its policies. In configuration: <c>Gristmill:Queues:{name}:…</c>, or
/// <c>Gristmill__Queues__{name}__…</c> in the environment. Times are seconds.
/// </summary>
public sealed class QueueOptions
{
    /// <summary>The list that producers push to, when there is one; several, or one with a priority, stand in Lists.</summary>
    public string? List { get; set; }

    /// <summary>The lists that producers push to, by priority. Together with List at most 16.</summary>
    public List<ListOptions> Lists { get; set; } = [];

    /// <summary>
    /// The end that is taken: left for producers that RPUSH, right for those that LPUSH. Default left; right where the
    /// dialect is one whose producers LPUSH.
    /// </summary>
    public PopEnd? PopFrom { get; set; }

    /// <summary>
    /// The library whose messages are jobs of this queue, beside plain JSON; null (the default): a list that is a library's
    /// own is left alone, and its messages among jobs are dead letters.
    /// </summary>
    public Dialect? Dialect { get; set; }

    /// <summary>The C# handler, by the name that it was registered with. Either this or Worker.</summary>
    public string? Handler { get; set; }

    /// <summary>The worker process. Either this or Handler.</summary>
    public WorkerOptions? Worker { get; set; }

    /// <summary>The device memory that each worker needs; null (the default) for a queue that needs no device. Only with Worker.</summary>
    public GpuQueueOptions? Gpu { get; set; }

    /// <summary>Only silos that have all of these labels serve the queue. At most 32. Default none: every silo serves it.</summary>
    public List<string> Labels { get; set; } = [];

    /// <summary>Jobs of this queue that one silo runs at once, 1 to 100,000. Default 100; a queue with workers runs one per worker.</summary>
    public int Concurrency { get; set; } = 100;

    /// <summary>Jobs of this queue that the whole cluster runs at once, 0 to 1,000,000; 0 for no limit. Default 0.</summary>
    public int ClusterConcurrency { get; set; }

    /// <summary>The time limit of one attempt in seconds, 0.001 to 2,592,000 (30 days). Default 300.</summary>
    public double TimeoutSeconds { get; set; } = 300;

    /// <summary>When and how often a failed attempt is made again.</summary>
    public RetryOptions Retry { get; set; } = new();

    /// <summary>How often a job may lose its silo or worker before it is a dead letter, 0 to 100. Default 3.</summary>
    public int LostBudget { get; set; } = 3;

    /// <summary>How often a job may run out of memory before it is a dead letter, 0 to 100. Default 2.</summary>
    public int OutOfMemoryBudget { get; set; } = 2;

    /// <summary>Larger items become dead letters, in bytes: 1 to 536,870,912. Default 1,048,576.</summary>
    public int MaxPayloadBytes { get; set; } = 1024 * 1024;

    /// <summary>Whether a payload may be anything; otherwise what is no JSON object becomes a dead letter. Default false.</summary>
    public bool AllowOpaque { get; set; }

    /// <summary>The names of the payload's members.</summary>
    public PayloadFields Fields { get; set; } = new();

    /// <summary>How jobs that belong together are treated; null (the default): each job for itself, whatever session it names.</summary>
    public QueueSessionOptions? Sessions { get; set; }

    /// <summary>
    /// Jobs admitted ahead of their start once a payload asks for a priority, 1 to 100,000: among these the order holds.
    /// Default 5,000.
    /// </summary>
    public int Window { get; set; } = 5000;

    /// <summary>Dead letters at which claiming stops, 1 to 10,000,000. Default 100,000.</summary>
    public int DeadLetterLimit { get; set; } = 100_000;

    /// <summary>
    /// Jobs waiting for their time, for other jobs or for another attempt at which claiming stops, 1 to 10,000,000; the API
    /// then enqueues none that would wait. Default 100,000.
    /// </summary>
    public int WaitingLimit { get; set; } = 100_000;

    /// <summary>A list that also gets each dead letter as JSON; null for none.</summary>
    public string? DeadLetterList { get; set; }

    /// <summary>What a reply_to must begin with; nothing is allowed by default.</summary>
    public List<string> ReplyToPrefixes { get; set; } = [];

    /// <summary>How long ids are remembered, seconds: 1 to 2,592,000. Default 86,400 (a day).</summary>
    public double IdWindowSeconds { get; set; } = 86_400;

    /// <summary>Records of finished jobs that are kept, 0 to 100,000,000. Default 100,000.</summary>
    public int KeepFinished { get; set; } = 100_000;

    /// <summary>How long records of finished jobs are kept, seconds: 0 to 31,536,000. Default 86,400 (a day).</summary>
    public double KeepFinishedSeconds { get; set; } = 86_400;

    /// <summary>The members that are read: where there are sessions, also theirs.</summary>
    public PayloadFields ReadFields => Sessions is null ? Fields : Fields.WithSessions();

    /// <summary>What clients must know to enqueue as this queue expects it.</summary>
    public QueueRules ToRules() => new()
    {
        MaxPayloadBytes = MaxPayloadBytes,
        AllowOpaque = AllowOpaque,
        Dialect = Dialect,
        IdWindowMs = (long)TimeSpan.FromSeconds(IdWindowSeconds).TotalMilliseconds,
        MaxWaiting = WaitingLimit,
        Fields = ReadFields,
        ReplyToPrefixes = ReplyToPrefixes,
    };

    /// <summary>The end that is taken, as it is said or follows from the dialect.</summary>
    public PopEnd OldestAt() => PopFrom ?? (Dialect is Store.Payloads.Dialect.Celery or Store.Payloads.Dialect.Sidekiq ? PopEnd.Right : PopEnd.Left);

    /// <summary>All lists, those with the first priority first.</summary>
    public IReadOnlyList<ListOptions> AllLists() =>
        [.. (List is { Length: > 0 } one ? Lists.Prepend(new ListOptions { Name = one }) : Lists).OrderBy(l => l.Priority)];
}

/// <summary>A list and the priority of what is pushed to it.</summary>
public sealed class ListOptions
{
    /// <summary>The list's key.</summary>
    public string Name { get; set; } = string.Empty;

    /// <summary>0 (first) to 9. Default 5.</summary>
    public int Priority { get; set; } = Store.JobHeader.NormalPriority;
}

/// <summary>The end of a list.</summary>
public enum PopEnd
{
    /// <summary>The head: the oldest item where producers RPUSH.</summary>
    Left,

    /// <summary>The tail: the oldest item where producers LPUSH.</summary>
    Right,
}

/// <summary>Retries: after BaseSeconds, and then Factor times as long each time, up to CapSeconds.</summary>
public sealed class RetryOptions
{
    /// <summary>Retries after the first attempt, 0 to 1,000. Default 3.</summary>
    public int Retries { get; set; } = 3;

    /// <summary>The wait before the first retry, seconds, 0 to 86,400. Default 5; with the default factor 5, 10, 20.</summary>
    public double BaseSeconds { get; set; } = 5;

    /// <summary>How much longer each wait is than the one before, 1 to 10. Default 2.</summary>
    public double Factor { get; set; } = 2;

    /// <summary>The longest wait, seconds, 0 to 604,800. Default 600.</summary>
    public double CapSeconds { get; set; } = 600;

    /// <summary>Up to this part of a wait is added at random, 0 to 1. Default 0.</summary>
    public double Jitter { get; set; }
}
