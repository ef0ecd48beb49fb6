using Gristmill.Redis;

namespace Gristmill.Silo.Findings;

/// <summary>
/// Asks the server what a check needs. A command that the server lacks or forbids switches its check off, once and for all
/// and said once; losing the connection is no finding and ends the pass.
/// </summary>
internal sealed class Probe(IRedisClient redis, ILogger logger)
{
    private readonly HashSet<string> _left = new(StringComparer.Ordinal);

    /// <summary>The reply; null when the server does not do this.</summary>
    public async Task<RedisReply?> AskAsync(string check, RedisCommand command, CancellationToken cancellationToken)
    {
        if (_left.Contains(check))
        {
            return null;
        }

        try
        {
            return await redis.ExecuteAsync(command, cancellationToken).ConfigureAwait(false);
        }
        catch (RedisServerException error) when (error.Code == RedisErrorCode.WrongType)
        {
            // The key became another type since it was looked at.
            return null;
        }
        catch (RedisServerException error) when (error.Code is RedisErrorCode.NoPermission or RedisErrorCode.Generic)
        {
            Leave(check, error.Message);
            return null;
        }
    }

    /// <summary>Switches a check off.</summary>
    public void Leave(string check, string reason)
    {
        if (_left.Add(check))
        {
            FindingsLog.Left(logger, check, reason);
        }
    }

    public async Task<string> TypeAsync(string key, CancellationToken cancellationToken) =>
        await AskAsync("TYPE", new RedisCommand("TYPE", key), cancellationToken).ConfigureAwait(false) is { } reply ? reply.AsString() : "none";

    public async Task<long> LengthAsync(string list, CancellationToken cancellationToken) =>
        await AskAsync("LLEN", new RedisCommand("LLEN", list), cancellationToken).ConfigureAwait(false) is { } reply ? reply.AsInteger() : 0;

    /// <summary>The first item, up to 4 KiB of it, as text; empty when there is none.</summary>
    public async Task<string> FirstItemAsync(string list, CancellationToken cancellationToken)
    {
        const int most = 4096;
        var reply = await AskAsync("LINDEX", new RedisCommand("LINDEX", list, "0"), cancellationToken).ConfigureAwait(false);
        var text = reply is { IsNull: false } item ? item.AsString() : "";
        return text.Length > most ? text[..most] : text;
    }
}
