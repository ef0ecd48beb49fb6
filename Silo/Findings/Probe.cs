using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Silo.Findings;

/// <summary>
/// Asks the server what a check needs. A command that the server lacks or forbids leaves its check out for this look, and is
/// said; losing the connection is no finding and ends the look.
/// </summary>
internal sealed class Probe(IRedisClient redis, ILogger logger)
{
    private const int LongestReason = 160;
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

    /// <summary>The two ends of a list; nothing where it may not be read.</summary>
    public Task<ListEnds> EndsAsync(string list, CancellationToken cancellationToken) =>
        TryAsync("the items of lists", () => ListEnds.ReadAsync(redis, list, cancellationToken), new ListEnds(0, default, default, false));

    private static bool IsAboutKeys(RedisServerException error) =>
        error.Code == RedisErrorCode.NoPermission && error.Message.Contains("access", StringComparison.OrdinalIgnoreCase);
}
