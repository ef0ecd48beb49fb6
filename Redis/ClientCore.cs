using System.Collections.Frozen;
using Microsoft.Extensions.Logging;

namespace Gristmill.Redis;

/// <summary>The client: the shared connection, the subscriptions' connection, and the dedicated ones it has given out.</summary>
internal sealed class ClientCore : IRedisClient
{
    /// <summary>Commands that would hold up or change the connection that all callers share, and where they belong.</summary>
    private static readonly FrozenSet<string> NotShared = FrozenSet.ToFrozenSet(
        [
            "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF",
            "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "SELECT", "AUTH", "HELLO", "RESET", "QUIT", "MONITOR",
            "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "SYNC", "PSYNC",
        ],
        StringComparer.OrdinalIgnoreCase);

    private readonly RedisOptions _options;
    private readonly RedisConnector _connector;
    private readonly ConnectionStatus _status = new();
    private readonly MultiplexedConnection _shared;
    private readonly PubSubConnection _pubSub;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly HashSet<RedisDedicated> _dedicated = [];
    private int _opening;
    private bool _closed;

    public ClientCore(RedisOptions options, ILogger log, TimeProvider time, Random random)
    {
        _options = options;
        _time = time;
        _connector = new RedisConnector(options, new FixedEndpoint(new RedisEndpoint(options.Host, options.Port)), time);
        _pubSub = new PubSubConnection(_connector, log, time, new Random(random.Next()));
        _shared = new MultiplexedConnection(_connector, _status, log, time, new Random(random.Next()));
    }

    public bool IsConnected => _status.Current.IsConnected;

    public Exception? LastError => _status.LastError;

    public RedisServerInfo? Server => _status.Current.Server;

    public string Describe() => RedisUrl.Describe(_options);

    public ValueTask<RedisReply> ExecuteAsync(RedisCommand command, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(command);
        if (NotShared.Contains(command.Name))
        {
            throw new ArgumentException($"{command.Name} needs a connection of its own: use OpenDedicatedAsync or SubscribeAsync.", nameof(command));
        }

        return new(_shared.Send(command.Name, command.Take(), null, 0, command.Timeout, cancellationToken));
    }

    public ValueTask<RedisReply> EvaluateAsync(RedisScriptCall call, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        return new(_shared.Send(call.Script.Name, call.Take(), call.Script, call.KeyCount, call.Timeout, cancellationToken));
    }

    public async ValueTask<RedisDedicated> OpenDedicatedAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_closed || _dedicated.Count + _opening >= _options.MaxDedicated)
            {
                throw new RedisUnavailableException(_closed
                    ? "The client is closed."
                    : $"{_options.MaxDedicated} dedicated connections are open; {nameof(_options.MaxDedicated)} allows no more.");
            }

            _opening++;
        }

        RedisLink? link = null;
        try
        {
            link = await _connector.OpenAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _opening--;
            }
        }

        return Keep(new RedisDedicated(link, _options, _time, Forget));
    }

    public ValueTask<RedisSubscription> SubscribeAsync(string channel, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        return _pubSub.SubscribeAsync(channel, cancellationToken);
    }

    public IAsyncEnumerable<RedisConnectionState> WatchConnectionAsync(CancellationToken cancellationToken = default) =>
        _status.WatchAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        RedisDedicated[] open;
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            open = [.. _dedicated];
        }

        foreach (var dedicated in open)
        {
            await dedicated.DisposeAsync().ConfigureAwait(false);
        }

        await _pubSub.DisposeAsync().ConfigureAwait(false);
        await _shared.DisposeAsync().ConfigureAwait(false);
        _status.Close();
    }

    private RedisDedicated Keep(RedisDedicated dedicated)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                _dedicated.Add(dedicated);
                return dedicated;
            }
        }

        _ = dedicated.DisposeAsync();
        throw new RedisUnavailableException("The client is closed.");
    }

    private void Forget(RedisDedicated dedicated)
    {
        lock (_gate)
        {
            _dedicated.Remove(dedicated);
        }
    }
}
