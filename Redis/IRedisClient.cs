namespace Gristmill.Redis;

/// <summary>
/// A client of one Redis, safe for use from any thread. Commands and script calls share one pipelined connection and reach
/// the server in the order in which they were issued. A call is issued when the method returns its task, so two calls made
/// one after the other without awaiting between run in that order. All of them fail with a <see cref="RedisException"/>, or
/// with <see cref="OperationCanceledException"/> when cancelled; a cancelled command may have been executed.
/// </summary>
public interface IRedisClient : IAsyncDisposable
{
    /// <summary>Whether commands go out now.</summary>
    bool IsConnected { get; }

    /// <summary>Why there is no connection, or why the last one ended; null before the first failure.</summary>
    Exception? LastError { get; }

    /// <summary>The server of the current or last connection; null before the first.</summary>
    RedisServerInfo? Server { get; }

    /// <summary>Sends a command.</summary>
    /// <param name="command">The command; used up by this.</param>
    /// <param name="cancellationToken">Stops the wait, not the command.</param>
    /// <returns>The reply. An error at its top is thrown; errors inside arrays are values.</returns>
    /// <exception cref="ArgumentException">The command would block or change the shared connection (BLPOP, MULTI, SELECT, …).</exception>
    ValueTask<RedisReply> ExecuteAsync(RedisCommand command, CancellationToken cancellationToken = default);

    /// <summary>
    /// Calls a script by its hash, and with its body where the server does not have it. Script calls keep their order also
    /// when the server lost its scripts while they were in flight: what was refused with NOSCRIPT is sent again, in order,
    /// before anything issued later. Only a plain command that was in flight behind a refused call is executed before it.
    /// </summary>
    /// <param name="call">The call; used up by this.</param>
    /// <param name="cancellationToken">Stops the wait, not the script.</param>
    ValueTask<RedisReply> EvaluateAsync(RedisScriptCall call, CancellationToken cancellationToken = default);

    /// <summary>Opens a connection of the caller's own, for commands that block and for transactions.</summary>
    /// <param name="cancellationToken">Stops the attempt.</param>
    /// <exception cref="RedisUnavailableException">It could not be opened, or there are <see cref="RedisOptions.MaxDedicated"/> already.</exception>
    ValueTask<RedisDedicated> OpenDedicatedAsync(CancellationToken cancellationToken = default);

    /// <summary>Subscribes to a channel; returns when the server has confirmed it. All subscriptions share one connection.</summary>
    /// <param name="channel">The channel's name.</param>
    /// <param name="cancellationToken">Stops the attempt.</param>
    /// <exception cref="RedisUnavailableException">Not confirmed within <see cref="RedisOptions.CommandTimeout"/>.</exception>
    ValueTask<RedisSubscription> SubscribeAsync(string channel, CancellationToken cancellationToken = default);

    /// <summary>
    /// The state now, and then each time it has changed. A slow reader sees the newest state, not each one between; the
    /// generation tells it whether the connection was lost meanwhile. Ends when the client is disposed.
    /// </summary>
    /// <param name="cancellationToken">Ends the enumeration.</param>
    IAsyncEnumerable<RedisConnectionState> WatchConnectionAsync(CancellationToken cancellationToken = default);

    /// <summary>The endpoint without secrets, for logs and messages: <c>redis://user:***@host:6379/0</c>.</summary>
    string Describe();
}
