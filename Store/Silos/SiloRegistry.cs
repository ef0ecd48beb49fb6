using System.Text.Json;
using Gristmill.Redis;

namespace Gristmill.Store;

/// <summary>
/// Who is there, for people and clients: each silo writes a record of itself about once a second, whatever engine it
/// runs on, and hears in the same round trip whether it was asked to drain. Nothing here decides about jobs: that is done
/// by the leases of <see cref="QueueStore"/>.
/// </summary>
/// <remarks>
/// A record is a key that expires an hour after its last writing; what is left of that hour says how long ago that was, by
/// the server's clock. An index names the keys, so that nobody has to scan for them.
/// </remarks>
public sealed class SiloRegistry(IRedisClient redis, string service)
{
    /// <summary>How long a silo that is gone without a word stays in the list.</summary>
    public static readonly TimeSpan Keep = TimeSpan.FromHours(1);

    // A list for people is no longer than this, whatever was written into the index.
    private const int MaxSilos = 10_000;

    /// <summary>Says that this silo is there.</summary>
    /// <returns>Whether it was asked to drain.</returns>
    /// <exception cref="RedisException">Redis failed.</exception>
    public async Task<bool> ReportAsync(SiloRecord record, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        var json = JsonSerializer.SerializeToUtf8Bytes(record, SiloRecordJson.Default.SiloRecord);
        var index = redis.ExecuteAsync(new RedisCommand("SADD", RedisKeys.Silos(service), record.Id), cancellationToken).AsTask();
        var set = redis.ExecuteAsync(
            new RedisCommand("SET", RedisKeys.Silo(service, record.Id)).Add(json).Add("PX").Add((long)Keep.TotalMilliseconds), cancellationToken).AsTask();
        var drain = redis.ExecuteAsync(new RedisCommand("EXISTS", RedisKeys.SiloDrain(service, record.Id)), cancellationToken).AsTask();
        await Task.WhenAll(index, set, drain).ConfigureAwait(false);
        return (await drain.ConfigureAwait(false)).AsInteger() > 0;
    }

    /// <summary>Says that this silo has ended in order.</summary>
    /// <exception cref="RedisException">Redis failed.</exception>
    public async Task LeaveAsync(string id, CancellationToken cancellationToken = default)
    {
        await redis.ExecuteAsync(new RedisCommand("UNLINK", RedisKeys.Silo(service, id), RedisKeys.SiloDrain(service, id)), cancellationToken).ConfigureAwait(false);
        await redis.ExecuteAsync(new RedisCommand("SREM", RedisKeys.Silos(service), id), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The silos, by name; also those that were lost within the last hour.</summary>
    /// <exception cref="RedisException">Redis failed.</exception>
    public async Task<IReadOnlyList<SiloView>> ListAsync(CancellationToken cancellationToken = default)
    {
        var ids = (await redis.ExecuteAsync(new RedisCommand("SRANDMEMBER", RedisKeys.Silos(service)).Add(MaxSilos), cancellationToken).ConfigureAwait(false))
            .AsList().Select(id => id.AsString()).ToList();
        var views = await Task.WhenAll(ids.Select(id => ReadAsync(id, cancellationToken))).ConfigureAwait(false);
        return [.. views.OfType<SiloView>().OrderBy(v => v.Record.Name, StringComparer.Ordinal).ThenBy(v => v.Record.StartedAt)];
    }

    /// <summary>Asks a silo to take nothing more, to finish what it runs, and to end. It hears it within about a second.</summary>
    /// <param name="id">The silo's id, as <see cref="ListAsync"/> says it.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="RedisException">Redis failed.</exception>
    public async Task DrainAsync(string id, CancellationToken cancellationToken = default) =>
        await redis.ExecuteAsync(
            new RedisCommand("SET", RedisKeys.SiloDrain(service, id), "1").Add("PX").Add((long)Keep.TotalMilliseconds), cancellationToken).ConfigureAwait(false);

    private async Task<SiloView?> ReadAsync(string id, CancellationToken cancellationToken)
    {
        var key = RedisKeys.Silo(service, id);
        var get = redis.ExecuteAsync(new RedisCommand("GET", key), cancellationToken).AsTask();
        var left = redis.ExecuteAsync(new RedisCommand("PTTL", key), cancellationToken).AsTask();
        var drain = redis.ExecuteAsync(new RedisCommand("EXISTS", RedisKeys.SiloDrain(service, id)), cancellationToken).AsTask();
        RedisReply reply = default;
        try
        {
            await Task.WhenAll(get, left, drain).ConfigureAwait(false);
            reply = await get.ConfigureAwait(false);
        }
        catch (RedisServerException wrong) when (wrong.Code == "WRONGTYPE")
        {
            // Something else stands there: no silo of ours.
        }

        // What no silo has written, or not in this way: it would stay for ever, or never be lost.
        var keeps = reply.IsNull ? TimeSpan.Zero : TimeSpan.FromMilliseconds((await left.ConfigureAwait(false)).AsInteger());
        if (reply.IsNull || keeps < TimeSpan.Zero || keeps > Keep || Parse(reply.Bytes) is not { } record || record.Id != id)
        {
            await redis.ExecuteAsync(new RedisCommand("SREM", RedisKeys.Silos(service), id), cancellationToken).ConfigureAwait(false);
            return null;
        }

        var ago = Keep - keeps;
        return new SiloView(record, ago, (await drain.ConfigureAwait(false)).AsInteger() > 0);
    }

    private static SiloRecord? Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            // JSON can say null where the record cannot.
            return JsonSerializer.Deserialize(json.Span, SiloRecordJson.Default.SiloRecord) is
            {
                Id: not null, Name: not null, State: not null, Version: not null, Engine: not null, Host: not null, Labels: not null, Queues: not null, Gpus: not null, LeaseSeconds: > 0,
            } record && record.Queues.All(q => q is { Name: not null, Generation: not null }) &&
                (record.Findings ?? []).All(f => f is { Code: not null, Severity: not null, Message: not null, Action: not null })
                ? record
                : null;
        }
        catch (JsonException)
        {
            // Written by something else: no silo of ours.
            return null;
        }
    }
}
