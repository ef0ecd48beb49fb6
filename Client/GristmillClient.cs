using System.Collections.Concurrent;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Client;

/// <summary>
/// The client: a thin layer over the job store. What it adds to <see cref="QueueStore"/> is checking (JobComposer),
/// cutting (EnqueuePieces), repeating (RetryPolicy) and following (QueueEvents, one for each queue that is watched).
/// </summary>
public sealed class GristmillClient : IGristmillClient
{
    // Names come from callers; a queue beyond this is made anew each time, and its watchers share no subscription.
    private const int MaxCachedQueues = 10_000;

    private readonly ConcurrentDictionary<string, QueueClient> _queues = new();
    private readonly bool _ownsRedis;
    private readonly int _database;
    private readonly ClientContext _context;
    private readonly RetryPolicy _retry;

    /// <summary>A client on a connection that belongs to the caller.</summary>
    /// <param name="redis">The connection; not disposed with the client.</param>
    /// <param name="options">The options; Redis is not used, Database must be the connection's.</param>
    /// <param name="loggerFactory">Where losses are told.</param>
    /// <param name="timeProvider">The clock of waits; null for the system's.</param>
    /// <exception cref="ArgumentException">An option is out of its bounds; the message names each.</exception>
    public GristmillClient(IRedisClient redis, GristmillClientOptions options, ILoggerFactory loggerFactory, TimeProvider? timeProvider = null)
        : this(redis, options, options.Database, loggerFactory, timeProvider, ownsRedis: false)
    {
    }

    private GristmillClient(IRedisClient redis, GristmillClientOptions options, int database, ILoggerFactory loggerFactory, TimeProvider? timeProvider, bool ownsRedis)
    {
        ArgumentNullException.ThrowIfNull(redis);
        ArgumentNullException.ThrowIfNull(loggerFactory);
        Validate(options);
        _ownsRedis = ownsRedis;
        _database = database;
        var clock = timeProvider ?? TimeProvider.System;
        _context = new ClientContext(redis, options, clock, loggerFactory.CreateLogger("Gristmill.Client"));
        _retry = _context.RetryOf(null);
    }

    /// <inheritdoc/>
    public string Service => _context.Options.Service;

    /// <summary>A client with a connection of its own, which connects in the background.</summary>
    /// <param name="options">The options; Redis must be set.</param>
    /// <param name="loggerFactory">Where losses are told; null for nowhere.</param>
    /// <param name="timeProvider">The clock of waits; null for the system's.</param>
    /// <exception cref="ArgumentException">An option is out of its bounds; the message names each.</exception>
    public static GristmillClient Connect(GristmillClientOptions options, ILoggerFactory? loggerFactory = null, TimeProvider? timeProvider = null)
    {
        Validate(options);
        loggerFactory ??= NullLoggerFactory.Instance;
        var address = RedisOptions.Parse(options.Redis ?? throw new ArgumentException($"{nameof(options.Redis)} is not set; it must be an address such as redis://localhost:6379/0.", nameof(options)));
        address.ClientName = "gristmill-client";
        var redis = RedisClient.Connect(address, loggerFactory, timeProvider);
        return new GristmillClient(redis, options, address.Database, loggerFactory, timeProvider, ownsRedis: true);
    }

    /// <inheritdoc/>
    public IQueueClient Queue(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (_queues.TryGetValue(name, out var known)) return known;
        var queue = new QueueClient(_context, new RedisKeys(Service, _database, name));
        return _queues.Count < MaxCachedQueues ? _queues.GetOrAdd(name, queue) : queue;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListQueuesAsync(CancellationToken cancellationToken = default) =>
        _retry.RepeatableAsync(
            async token =>
            {
                var members = await _context.Redis.ExecuteAsync(new RedisCommand("SMEMBERS", RedisKeys.Queues(Service)), token).ConfigureAwait(false);
                return (IReadOnlyList<string>)[.. members.AsList().Select(m => m.AsString()).Order(StringComparer.Ordinal)];
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<SiloInfo>> ListSilosAsync(CancellationToken cancellationToken = default) =>
        _retry.RepeatableAsync(
            async token => (IReadOnlyList<SiloInfo>)[.. (await Silos.ListAsync(token).ConfigureAwait(false)).Select(SiloInfo.From)], cancellationToken);

    /// <inheritdoc/>
    public Task DrainSiloAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        return _retry.RepeatableAsync(
            async token =>
            {
                await Silos.DrainAsync(id, token).ConfigureAwait(false);
                return true;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public async Task PingAsync(CancellationToken cancellationToken = default) =>
        await _context.Redis.ExecuteAsync(new RedisCommand("PING"), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public string Describe() => _context.Redis.Describe();

    /// <summary>Ends all watching; closes the connection if it is the client's own.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var queue in _queues.Values) await queue.DisposeAsync().ConfigureAwait(false);
        if (_ownsRedis) await _context.Redis.DisposeAsync().ConfigureAwait(false);
    }

    private SiloRegistry Silos => new(_context.Redis, Service);

    private static void Validate(GristmillClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (GristmillClientOptionsValidator.Check(options) is { Count: > 0 } wrong)
        {
            throw new ArgumentException(string.Join(Environment.NewLine, wrong), nameof(options));
        }
    }
}
