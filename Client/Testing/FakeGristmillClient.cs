using System.Collections.Concurrent;

namespace Gristmill.Client.Testing;

/// <summary>
/// A client for tests of services: no Redis, no silo. It keeps what was enqueued, checked as the real one checks it, with ids,
/// duplicates and conflicts; the test plays the silo, job by job (<see cref="FakeJob"/>) or for all of a queue
/// (<see cref="FakeQueue.OnEnqueued"/>), and the service watches, waits, cancels and requeues as it would.
/// <code>
/// var client = new FakeGristmillClient();
/// client.Queue("asr").OnEnqueued = job => job.Complete(new Transcript("hello"));
/// </code>
/// </summary>
/// <remarks>
/// What it leaves out: time (scheduled and retrying jobs start when the test says so), limits of silos, and the order of sessions.
/// It stands in the client's own package, so that it has the client's rules and never another version.
/// </remarks>
public sealed class FakeGristmillClient : IGristmillClient
{
    private readonly ConcurrentDictionary<string, FakeQueue> _queues = new();
    private readonly ConcurrentQueue<string> _drained = new();
    private readonly GristmillClientOptions _options;
    private readonly TimeProvider _clock;

    /// <summary>A client without any jobs.</summary>
    /// <param name="options">What the service's client is configured with; null for the defaults. Redis is not used.</param>
    /// <param name="clock">The clock of jobs' times; null for the system's.</param>
    public FakeGristmillClient(GristmillClientOptions? options = null, TimeProvider? clock = null)
    {
        _options = options ?? new GristmillClientOptions();
        _clock = clock ?? TimeProvider.System;
    }

    /// <inheritdoc/>
    public string Service => _options.Service;

    /// <summary>What every call that would reach Redis fails with while this is set, such as a RedisUnavailableException; null for none.</summary>
    public Exception? Failure { get; set; }

    /// <summary>What <see cref="ListSilosAsync"/> gives. Default none.</summary>
    public IReadOnlyList<SiloInfo> Silos { get; set; } = [];

    /// <summary>The silos that were asked to drain, by id, in order.</summary>
    public IReadOnlyList<string> Drained => [.. _drained];

    /// <summary>A queue, with what a test needs of it.</summary>
    /// <param name="name">Letters, digits, '.', '_', ':', '-', 1 to 128 of them.</param>
    /// <exception cref="ArgumentException">No queue can have this name.</exception>
    public FakeQueue Queue(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        _ = new Store.RedisKeys(Service, 0, name);
        return _queues.GetOrAdd(name, n => new FakeQueue(n, _options, _clock, Reach));
    }

    IQueueClient IGristmillClient.Queue(string name) => Queue(name);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListQueuesAsync(CancellationToken cancellationToken = default)
    {
        Reach(cancellationToken);
        return Task.FromResult<IReadOnlyList<string>>([.. _queues.Keys.Order(StringComparer.Ordinal)]);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<SiloInfo>> ListSilosAsync(CancellationToken cancellationToken = default)
    {
        Reach(cancellationToken);
        return Task.FromResult(Silos);
    }

    /// <inheritdoc/>
    public Task DrainSiloAsync(string id, CancellationToken cancellationToken = default)
    {
        Reach(cancellationToken);
        _drained.Enqueue(id);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task PingAsync(CancellationToken cancellationToken = default)
    {
        Reach(cancellationToken);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public string Describe() => "a fake, in memory";

    /// <summary>Does nothing: what was enqueued can still be looked at.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    // Where the real client would ask Redis.
    private void Reach(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Failure is { } failure) throw failure;
    }
}
