using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Store.Payloads;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>
/// Keeps hands off a list that another library keeps as its own (<see cref="ForeignDialects.OwnerOf"/>): what lies there is
/// somebody else's work, and as dead letters it would be lost to him. Asked before a claim of a list that is suspect: one
/// that was never looked at, woke with a foreign message, or gave one. A list that gives jobs is not looked at again.
/// </summary>
internal sealed class ListGuard(IRedisClient redis, QueueRuntime queue, TimeProvider clock, ILogger log)
{
    /// <summary>How long such a list is left alone before it is looked at again.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(2);

    /// <summary>Whether the list may be claimed; otherwise it rests, and says why.</summary>
    /// <exception cref="RedisException">Redis failed.</exception>
    public async Task<bool> MayClaimAsync(ListSource list, CancellationToken cancellationToken)
    {
        if (!list.IsSuspect || queue.Options.AllowOpaque) return true;
        var library = await OwnerAsync(list.Name, cancellationToken);
        list.IsSuspect = library is not null;
        if (library is null) return true;
        var trouble = ForeignDialects.Owned(list.Name, library);
        if (list.Trouble != trouble) log.Foreign(queue.Name, trouble);
        list.Trouble = trouble;
        list.Rest(clock, Rest);
        return false;
    }

    /// <summary>What a wait brought: a foreign message makes the list suspect. From any thread.</summary>
    public static void Woke(ListSource list, ReadOnlyMemory<byte> item)
    {
        if (ForeignDialects.OfList(list.Name) is not null || ForeignDialects.OfMessage(item.Span) is not null) list.IsSuspect = true;
    }

    private async Task<string?> OwnerAsync(string list, CancellationToken cancellationToken)
    {
        // All at once, in one round trip.
        var oldest = redis.ExecuteAsync(new RedisCommand("LINDEX", list, "0"), cancellationToken).AsTask();
        var newest = redis.ExecuteAsync(new RedisCommand("LINDEX", list, "-1"), cancellationToken).AsTask();
        var binding = redis.ExecuteAsync(new RedisCommand("EXISTS", ForeignDialects.CeleryBinding(list)), cancellationToken).AsTask();
        await Task.WhenAll(oldest, newest, binding);
        return (await oldest).IsNull
            ? null
            : ForeignDialects.OwnerOf(list, (await oldest).Bytes.Span, (await newest).Bytes.Span, (await binding).AsInteger() > 0);
    }
}
