using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Logging;

namespace Gristmill.Client;

/// <summary>What the queues of one client share.</summary>
internal sealed class ClientContext(IRedisClient redis, GristmillClientOptions options, TimeProvider clock, ILogger log)
{
    // Reads that watchers make at once: a thousand of them that are woken together must fill neither the connection nor the
    // memory, since each brings a whole record.
    private const int ConcurrentReads = 16;

    private readonly Lock _gate = new();
    private readonly Random _random = new();
    private int _watchers;

    public IRedisClient Redis => redis;

    public GristmillClientOptions Options => options;

    public TimeProvider Clock => clock;

    public ILogger Log => log;

    public SemaphoreSlim Reads { get; } = new(ConcurrentReads);

    public string NewEpoch()
    {
        lock (_gate) return QueueStore.NewEpoch(clock, _random);
    }

    /// <summary>How calls are repeated that go to a queue, or with null to none.</summary>
    public RetryPolicy RetryOf(RedisKeys? queue)
    {
        var shared = KeyTypes.Of(options.Service);
        return new RetryPolicy(options.MaxRetries, options.RetryDelay, clock, token => KeyTypes.FindWrongAsync(redis, queue is null ? shared : KeyTypes.Of(queue).Concat(shared), token));
    }

    /// <summary>Counts a watcher in.</summary>
    /// <exception cref="InvalidOperationException">There are as many as there may be.</exception>
    public void EnterWatch()
    {
        if (Interlocked.Increment(ref _watchers) <= options.MaxWatchers) return;
        Interlocked.Decrement(ref _watchers);
        throw new InvalidOperationException($"{options.MaxWatchers} jobs are watched already; {nameof(options.MaxWatchers)} bounds them.");
    }

    public void LeaveWatch() => Interlocked.Decrement(ref _watchers);
}
