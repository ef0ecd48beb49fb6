using Microsoft.Extensions.Logging;

namespace Gristmill.Engine;

internal static partial class MembershipLog
{
    [LoggerMessage(2100, LogLevel.Information, "{Silo} is a member of the cluster.")]
    public static partial void Joined(this ILogger log, SiloAddress silo);

    [LoggerMessage(2101, LogLevel.Warning, "{Silo} cannot renew its membership, and tries again: {Cause}")]
    public static partial void RenewFailed(this ILogger log, SiloAddress silo, string cause);

    [LoggerMessage(2102, LogLevel.Error, "{Silo} has not renewed its membership for {Ttl}: others may have counted it out. It tries on.")]
    public static partial void CutOff(this ILogger log, SiloAddress silo, TimeSpan ttl);

    [LoggerMessage(2103, LogLevel.Error, "{Silo} was counted out of the cluster, because it did not renew in time or another silo of its name came. It joins again with a new generation.")]
    public static partial void CountedOut(this ILogger log, SiloAddress silo);

    [LoggerMessage(2104, LogLevel.Information, "The member {Member} is gone.")]
    public static partial void MemberGone(this ILogger log, SiloAddress member);

    [LoggerMessage(2105, LogLevel.Warning, "{Silo} could not register its activations again, and tries once more: {Cause}")]
    public static partial void ReregisterFailed(this ILogger log, SiloAddress silo, string cause);

    [LoggerMessage(2106, LogLevel.Warning, "What a former member left could not be purged, and is tried again: {Cause}")]
    public static partial void PurgeFailed(this ILogger log, string cause);

    [LoggerMessage(2108, LogLevel.Warning, "{Silo} has not joined its cluster within {Limit}: Redis does not answer. It starts without, and joins when it can.")]
    public static partial void NotJoined(this ILogger log, SiloAddress silo, TimeSpan limit);

    [LoggerMessage(2109, LogLevel.Information, "{Silo} has registered its {Activations} activations again.")]
    public static partial void Reregistered(this ILogger log, SiloAddress silo, int activations);

    [LoggerMessage(2107, LogLevel.Warning, "{Silo} leaves the cluster without a word, since Redis cannot be told; its membership ends by itself: {Cause}")]
    public static partial void LeaveFailed(this ILogger log, SiloAddress silo, string cause);
}
