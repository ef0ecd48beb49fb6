using Gristmill.Redis;

namespace Gristmill.Silo.Findings;

/// <summary>
/// Asks the server what a check needs. A command that the server lacks or forbids leaves its check out for this look, and is
/// said; losing the connection is no finding and ends the look.
/// </summary>
internal sealed class Probe(IRedisClient redis, ILogger logger)
{
    private const int LongestReason = 160;

    // A first item may be a whole recording: what is not known to be small on average is not read.
    private const int MostItemBytes = 256 * 1024;
    private const int MostItemText = 4096;
    private readonly Dictionary<string, string> _left = new(StringComparer.Ordinal);
    private HashSet<string> _said = [];

    public IRedisClient Redis => redis;

    /// <summary>The checks that were left out in this look, and why.</summary>
    public IReadOnlyDictionary<string, string> Left => _left;

    /// <summary>A new look begins: what was forbidden may be allowed now.</summary>
    public void Begin()
    {
        _said = [.. _left.Keys];
        _left.Clear();
    }

    /// <summary>The reply; null when the server does not do this.</summary>
    public Task<RedisReply?> AskAsync(string check, RedisCommand command, CancellationToken cancellationToken) =>
        TryAsync<RedisReply?>(check, async () => await redis.ExecuteAsync(command, cancellationToken).ConfigureAwait(false), null);

    /// <summary>What is read, in one command or several; <paramref name="otherwise"/> when the server does not do this.</summary>
    public async Task<T> TryAsync<T>(string check, Func<Task<T>> read, T otherwise)
    {
        if (_left.ContainsKey(check)) return otherwise;
        try
        {
            return await read().ConfigureAwait(false);
        }
        catch (RedisServerException error) when (error.Code == RedisErrorCode.WrongType)
        {
            // The key became another type since it was looked at.
            return otherwise;
        }
        catch (RedisServerException error) when (error.Code is RedisErrorCode.NoPermission or RedisErrorCode.Generic)
        {
            // Keys of others may be closed to this user while its own are not: then the next key is asked for all the same.
            Leave(IsAboutKeys(error) ? "keys of others" : check, error.Message);
            return otherwise;
        }
    }

    /// <summary>Leaves a check out for this look.</summary>
    public void Leave(string check, string reason)
    {
        reason = reason.Length > LongestReason ? reason[..LongestReason] + "…" : reason;
        if (_left.TryAdd(check, reason) && _said.Add(check)) FindingsLog.Left(logger, check, reason);
    }

    public async Task<string> TypeAsync(string key, CancellationToken cancellationToken) =>
        await AskAsync("TYPE", new RedisCommand("TYPE", key), cancellationToken).ConfigureAwait(false) is { } reply ? reply.AsString() : "none";

    public async Task<long> LengthAsync(string list, CancellationToken cancellationToken) =>
        await AskAsync("LLEN", new RedisCommand("LLEN", list), cancellationToken).ConfigureAwait(false) is { } reply ? reply.AsInteger() : 0;

    public async Task<bool> ExistsAsync(string key, CancellationToken cancellationToken) =>
        await AskAsync("EXISTS", new RedisCommand("EXISTS", key), cancellationToken).ConfigureAwait(false) is { } reply && reply.AsInteger() > 0;

    /// <summary>An item, up to 4 KiB of it; empty when there is none, or when items are so large that none is read.</summary>
    /// <param name="list">The list.</param>
    /// <param name="index">0 for the first, -1 for the last.</param>
    /// <param name="length">Items in the list.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    public async Task<ReadOnlyMemory<byte>> ItemAsync(string list, int index, long length, CancellationToken cancellationToken)
    {
        if (length <= 0) return default;

        // By the size of its first node: one step for the server, whatever the list's length.
        var usage = new RedisCommand("MEMORY", "USAGE", list, "SAMPLES", "1");
        var bytes = await AskAsync("MEMORY USAGE", usage, cancellationToken).ConfigureAwait(false) is { IsNull: false } size ? size.AsInteger() : 0;
        if (bytes / length > MostItemBytes) return default;
        var reply = await AskAsync("LINDEX", new RedisCommand("LINDEX", list).Add(index), cancellationToken).ConfigureAwait(false);
        return reply is { IsNull: false } item ? item.Bytes[..Math.Min(item.Bytes.Length, MostItemText)] : default;
    }

    private static bool IsAboutKeys(RedisServerException error) =>
        error.Code == RedisErrorCode.NoPermission && error.Message.Contains("access", StringComparison.OrdinalIgnoreCase);
}
