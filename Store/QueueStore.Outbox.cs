using System.Buffers.Text;
using System.Text.Json;
using Gristmill.Redis;
using Gristmill.Store.Payloads;

namespace Gristmill.Store;

// The outbox: messages for foreign lists, put there by the step that they belong to and sent afterwards, at least once.
public sealed partial class QueueStore
{
    private const int OutboxBatch = 100;
    private static readonly TimeSpan OutboxLockTime = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Sends what waits in the outbox, in order. One sender at a time holds a lock that expires by itself; when another has
    /// it, nothing is done. A list that refuses a message (it is no list, or no reply may go there) does not hold up the others.
    /// </summary>
    /// <param name="owner">Who sends, for people.</param>
    /// <param name="messages">Makes the messages for jobs.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <returns>The messages that were refused and are dropped: list and error.</returns>
    public async ValueTask<IReadOnlyList<(string List, string Error)>> SendOutboxAsync(string owner, IOutcomeMessages messages, CancellationToken cancellationToken = default)
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
                        if (await SendAsync(batch[sent].Bytes, messages, cancellationToken).ConfigureAwait(false) is { } no) refused.Add(no);
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

    private async ValueTask<(string List, string Error)?> SendAsync(ReadOnlyMemory<byte> entry, IOutcomeMessages messages, CancellationToken cancellationToken)
    {
        try
        {
            return entry.Span switch
            {
                [(byte)'!', ..] => await SendDeadLetterAsync(entry[1..], messages, cancellationToken).ConfigureAwait(false),
                [(byte)'?', ..] => await SendReplyAsync(entry[1..], messages, cancellationToken).ConfigureAwait(false),
                _ => await PushAsync(OutboxEntry.Decode(entry), cancellationToken).ConfigureAwait(false),
            };
        }
        catch (Exception error) when (error is FormatException or JsonException)
        {
            return (keys.Of("outbox"), $"An entry is none of Gristmill's: {error.Message}");
        }
    }

    // "!" and the number of a dead letter, which is written out now. Nothing is sent when that is gone, or nobody wants it any more.
    private async ValueTask<(string List, string Error)?> SendDeadLetterAsync(ReadOnlyMemory<byte> entry, IOutcomeMessages messages, CancellationToken cancellationToken)
    {
        var (lists, epoch) = await ForeignAsync(cancellationToken).ConfigureAwait(false);
        if (lists.DeadLetters is null || !Utf8Parser.TryParse(entry.Span, out long seq, out _)) return null;
        var views = await ReadAsync([seq], epoch, cancellationToken).ConfigureAwait(false);
        return views is [{ State: JobState.Dead } job]
            ? await PushAsync(new OutboxMessage(lists.DeadLetters, messages.DeadLetter(job)), cancellationToken).ConfigureAwait(false)
            : null;
    }

    // "?" and the number of a job that ended, its header, and of an unread one the beginning of its payload.
    private async ValueTask<(string List, string Error)?> SendReplyAsync(ReadOnlyMemory<byte> entry, IOutcomeMessages messages, CancellationToken cancellationToken)
    {
        var (lists, epoch) = await ForeignAsync(cancellationToken).ConfigureAwait(false);
        if (!Utf8Parser.TryParse(entry.Span, out long seq, out var used) || used == entry.Length) throw new FormatException("A reply has the number of its job.");
        var record = JobRecord.Parse(seq, entry[(used + 1)..]);
        if (record.Header.Outcome is not { } outcome) throw new FormatException("A reply has an outcome.");
        if (record.Header.ReplyTo is null)
        {
            var address = ReplyAddress.Find(record.Payload.Span, lists.Fields);
            (record.Header.ReplyTo, record.Header.GivenId) = (address.ReplyTo, record.Header.GivenId ?? address.JobId);
        }

        if (record.Header.ReplyTo is not { } list) return null;
        if (lists.WhyNot(list) is { } why) return (list, why);
        var result = ReadOnlyMemory<byte>.Empty;
        if (outcome == JobState.Completed)
        {
            // Its completion ended in the midst. The result stands in the record alone.
            if (await ReadAsync([seq], epoch, cancellationToken).ConfigureAwait(false) is not [{ State: JobState.Completed } job]) return null;
            result = job.Result;
        }

        var view = new JobView { Id = record.Id(epoch), Queue = Name, Seq = seq, State = outcome, Attempt = record.Header.LastAttempt, Header = record.Header, Result = result };
        return await PushAsync(new OutboxMessage(list, messages.Reply(view)), cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<(ForeignLists Lists, string Epoch)> ForeignAsync(CancellationToken cancellationToken)
    {
        var meta = await redis.ExecuteAsync(new RedisCommand("HMGET", keys.Of("meta"), "mirror", "replies", "epoch"), cancellationToken).ConfigureAwait(false);
        return (ForeignLists.Parse(meta[0].AsStringOrNull(), meta[1].AsStringOrNull()), meta[2].AsStringOrNull() ?? string.Empty);
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

/// <summary>Makes what is pushed to foreign lists.</summary>
public interface IOutcomeMessages
{
    /// <summary>A dead letter that is mirrored.</summary>
    byte[] DeadLetter(JobView job);

    /// <summary>What the list of a job's reply_to gets when it has ended. Its payload is not there.</summary>
    byte[] Reply(JobView job);
}
