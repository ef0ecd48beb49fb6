using System.Buffers.Text;
using Gristmill.Redis;

namespace Gristmill.Store;

// The outbox: messages for foreign lists, put there by the step that they belong to and sent afterwards, at least once.
public sealed partial class QueueStore
{
    private const int OutboxBatch = 100;
    private static readonly TimeSpan OutboxLockTime = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Sends what waits in the outbox, in order. One sender at a time holds a lock that expires by itself; when another has
    /// it, nothing is done. A list that refuses a message (it is no list) does not hold up the others.
    /// </summary>
    /// <param name="owner">Who sends, for people.</param>
    /// <param name="deadLetter">Makes the message for a dead letter that is mirrored.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <returns>The messages that were refused and are dropped: list and error.</returns>
    public async ValueTask<IReadOnlyList<(string List, string Error)>> SendOutboxAsync(string owner, Func<JobView, byte[]> deadLetter, CancellationToken cancellationToken = default)
    {
        var locked = await redis.ExecuteAsync(
            new RedisCommand("SET", keys.OutboxLock, owner, "NX", "PX").Add((long)OutboxLockTime.TotalMilliseconds), cancellationToken).ConfigureAwait(false);
        if (locked.IsNull) return [];
        var refused = new List<(string, string)>();
        try
        {
            while (true)
            {
                var batch = await redis.ExecuteAsync(new RedisCommand("LRANGE", keys.Of("outbox")).Add(0).Add(OutboxBatch - 1), cancellationToken).ConfigureAwait(false);
                if (batch.Count == 0) return refused;
                var sent = 0;
                try
                {
                    for (; sent < batch.Count; sent++)
                    {
                        if (await SendAsync(batch[sent].Bytes, deadLetter, cancellationToken).ConfigureAwait(false) is { } no) refused.Add(no);
                    }
                }
                finally
                {
                    // What was sent is taken off also when the next one has to wait, or it would be sent again with each try.
                    if (sent > 0) await redis.ExecuteAsync(new RedisCommand("LTRIM", keys.Of("outbox")).Add(sent).Add(-1), cancellationToken).ConfigureAwait(false);
                }

                await redis.ExecuteAsync(new RedisCommand("PEXPIRE", keys.OutboxLock).Add((long)OutboxLockTime.TotalMilliseconds), cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            await redis.ExecuteAsync(new RedisCommand("UNLINK", keys.OutboxLock), CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async ValueTask<(string List, string Error)?> SendAsync(ReadOnlyMemory<byte> entry, Func<JobView, byte[]> deadLetter, CancellationToken cancellationToken)
    {
        OutboxMessage? message;
        try
        {
            message = await MessageAsync(entry, deadLetter, cancellationToken).ConfigureAwait(false);
        }
        catch (FormatException error)
        {
            return (keys.Of("outbox"), $"An entry is none of Gristmill's: {error.Message}");
        }

        return message is { } found ? await PushAsync(found, cancellationToken).ConfigureAwait(false) : null;
    }

    // An entry is a message, or "!" and the number of a dead letter, which is written out now. Null when that is gone, or
    // nobody wants it any more.
    private async ValueTask<OutboxMessage?> MessageAsync(ReadOnlyMemory<byte> entry, Func<JobView, byte[]> deadLetter, CancellationToken cancellationToken)
    {
        if (entry.Span is not [(byte)'!', ..]) return OutboxEntry.Decode(entry);
        var mirror = (await redis.ExecuteAsync(new RedisCommand("HGET", keys.Of("meta"), "mirror"), cancellationToken).ConfigureAwait(false)).AsStringOrNull();
        if (mirror is null || !Utf8Parser.TryParse(entry.Span[1..], out long seq, out _)) return null;
        var views = await ReadAsync([seq], await EpochAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        return views is [{ State: JobState.Dead } job] ? new OutboxMessage(mirror, deadLetter(job), seq) : null;
    }

    private async ValueTask<(string List, string Error)?> PushAsync(OutboxMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await redis.ExecuteAsync(new RedisCommand("RPUSH", message.List).Add(message.Message.Span), cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (RedisServerException error) when (!IsPassing(error.Code))
        {
            return (message.List, error.Message);
        }
    }

    // Refusals that are not about this list: the message waits. All others (WRONGTYPE, NOPERM, MOVED, …) will not go away.
    private static bool IsPassing(string code) =>
        code is RedisErrorCode.Loading or RedisErrorCode.ReadOnly or RedisErrorCode.MasterDown or RedisErrorCode.Busy or "OOM" or "CLUSTERDOWN" or "TRYAGAIN" or "MISCONF";
}
