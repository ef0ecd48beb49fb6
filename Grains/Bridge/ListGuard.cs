using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Store;
using Gristmill.Store.Payloads;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>
/// Keeps hands off a list that another library keeps as its own (<see cref="ForeignDialects.OwnerOf"/>), unless that is the
/// queue's dialect: what lies there is somebody else's work, and as dead letters it would be lost to him. Asked before a claim
/// of a list that is suspect: one that was never looked at, woke with a foreign message, or gave one. A list that gives jobs is
/// not looked at again.
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
        string? library;
        try
        {
            library = (await ListEnds.ReadAsync(redis, list.Name, cancellationToken)).OwnerOf(list.Name, queue.Options.Dialect);
        }
        catch (RedisServerException error) when (error.Code is RedisErrorCode.WrongType or RedisErrorCode.NoPermission)
        {
            // The claim says what is wrong with the list; whose rights end at the list itself cannot tell more of it.
            return true;
        }

        list.IsSuspect = library is not null;
        if (library is null) return true;
        var trouble = ForeignDialects.Owned(list.Name, library);
        if (list.Trouble != trouble) log.Foreign(queue.Name, trouble);
        list.Trouble = trouble;
        list.Rest(clock, Rest);
        return false;
    }

    /// <summary>What a wait brought: a foreign message makes the list suspect. From any thread.</summary>
    public static void Woke(ListSource list, ReadOnlyMemory<byte> item, Dialect? own)
    {
        if (IsForeign(ForeignDialects.OfList(list.Name)?.Library) || IsForeign(ForeignDialects.OfMessage(item.Span))) list.IsSuspect = true;

        bool IsForeign(string? library) => library is not null && library != own?.ToString();
    }
}
