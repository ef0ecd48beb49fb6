using Gristmill.Redis;
using Gristmill.Store.Payloads;

namespace Gristmill.Store;

/// <summary>The two ends of a list, to see what it holds without taking anything. Items are cut.</summary>
/// <param name="Length">Items in it.</param>
/// <param name="Left">The item at the head; empty when there is none, or when items are so large that none is read.</param>
/// <param name="Right">The item at the tail.</param>
/// <param name="IsBound">Whether Celery says that the list is a queue of its own.</param>
public sealed record ListEnds(long Length, ReadOnlyMemory<byte> Left, ReadOnlyMemory<byte> Right, bool IsBound)
{
    // An item may be a whole recording: what is not small on average is not read.
    private const int MostAverageBytes = 256 * 1024;
    private const int MostText = 4096;
    private static readonly ListEnds Empty = new(0, default, default, false);

    /// <summary>Looks, in two round trips of commands that take one step each.</summary>
    /// <exception cref="RedisException">Redis failed, or the key is no list.</exception>
    public static async Task<ListEnds> ReadAsync(IRedisClient redis, string list, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(redis);
        var length = redis.ExecuteAsync(new RedisCommand("LLEN", list), cancellationToken).AsTask();
        var bytes = BytesAsync(redis, list, cancellationToken);
        await Task.WhenAll(length, bytes).ConfigureAwait(false);
        var items = (await length.ConfigureAwait(false)).AsInteger();
        if (items == 0) return Empty;
        if (await bytes.ConfigureAwait(false) / items > MostAverageBytes) return Empty with { Length = items };
        var left = redis.ExecuteAsync(new RedisCommand("LINDEX", list, "0"), cancellationToken).AsTask();
        var right = redis.ExecuteAsync(new RedisCommand("LINDEX", list, "-1"), cancellationToken).AsTask();
        var bound = redis.ExecuteAsync(new RedisCommand("EXISTS", ForeignDialects.CeleryBinding(list)), cancellationToken).AsTask();
        await Task.WhenAll(left, right, bound).ConfigureAwait(false);
        return new ListEnds(items, Cut(await left.ConfigureAwait(false)), Cut(await right.ConfigureAwait(false)), (await bound.ConfigureAwait(false)).AsInteger() > 0);
    }

    /// <summary>The library that keeps this list as its own; null when none does, or the one whose messages the list's queue takes.</summary>
    public string? OwnerOf(string list, Dialect? own)
    {
        var library = Left.IsEmpty ? null : ForeignDialects.OwnerOf(list, Left.Span, Right.Span, IsBound);
        return library == own?.ToString() ? null : library;
    }

    // By the size of the first node, whatever the list's length. 0 where the server does not say.
    private static async Task<long> BytesAsync(IRedisClient redis, string list, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await redis.ExecuteAsync(new RedisCommand("MEMORY", "USAGE", list, "SAMPLES", "1"), cancellationToken).ConfigureAwait(false);
            return reply.Kind == RedisReplyKind.Integer ? reply.AsInteger() : 0;
        }
        catch (RedisServerException)
        {
            return 0;
        }
    }

    private static ReadOnlyMemory<byte> Cut(RedisReply reply) => reply.IsNull ? default : reply.Bytes[..Math.Min(reply.Bytes.Length, MostText)];
}
