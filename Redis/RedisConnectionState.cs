namespace Gristmill.Redis;

/// <summary>The state of the client's main connection at one moment.</summary>
/// <param name="IsConnected">Whether commands go out now.</param>
/// <param name="Generation">
/// How many times the client has connected. When it grew between two looks, the connection was lost in between, and what
/// was in flight then has an unknown outcome.
/// </param>
/// <param name="Server">The server of the current or last connection; null before the first.</param>
/// <param name="Error">Why there is no connection, or why the last one ended; null while connected.</param>
public sealed record RedisConnectionState(bool IsConnected, long Generation, RedisServerInfo? Server, string? Error);
