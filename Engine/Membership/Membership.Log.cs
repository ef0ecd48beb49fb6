using Microsoft.Extensions.Logging;

namespace Gristmill.Engine;

internal static partial class MembershipLog
{
    [LoggerMessage(2100, LogLevel.Information, "{Silo} is a member of the cluster.")]
    public static partial void Joined(this ILogger log, SiloAddress silo);

    [LoggerMessage(2101, LogLevel.Warning, "{Silo} cannot renew its membership, and tries again: {Cause}")]
    public static partial void RenewFailed(this ILogger log, SiloAddress silo, string cause);

    [LoggerMessage(2110, LogLevel.Warning, "{Silo} still cannot renew its membership, after {Attempts} attempts in {Seconds:0} s: {Cause}")]
    public static partial void RenewStillFails(this ILogger log, SiloAddress silo, int attempts, double seconds, string cause);

    [LoggerMessage(2111, LogLevel.Information, "{Silo} renews its membership again, {Seconds:0.0} s after the last time; it was not counted out.")]
    public static partial void RenewsAgain(this ILogger log, SiloAddress silo, double seconds);

    [LoggerMessage(2112, LogLevel.Warning, "{Silo} stood still for {Seconds:0.0} s: its process was frozen, or had no processor.")]
    public static partial void StoodStill(this ILogger log, SiloAddress silo, double seconds);

    [LoggerMessage(2102, LogLevel.Error, "{Silo} is cut off from its cluster: its membership, which lasts {Ttl:0.#} s, was renewed {Seconds:0.0} s ago. Others may have counted it out; it runs no call of theirs and tries on.")]
    public static partial void CutOff(this ILogger log, SiloAddress silo, double ttl, double seconds);

    [LoggerMessage(2103, LogLevel.Error, "{Silo} was counted out of the cluster, because it did not renew in time or another silo of its name came. It gives up this generation and {Calls} calls that wait for answers, and joins again as {Next}.")]
    public static partial void CountedOut(this ILogger log, SiloAddress silo, int calls, SiloAddress next);

    [LoggerMessage(2113, LogLevel.Information, "{Silo} has rejoined the cluster as a new generation, {Seconds:0.0} s after {Former} was renewed for the last time.")]
    public static partial void Rejoined(this ILogger log, SiloAddress silo, double seconds, SiloAddress? former);

    [LoggerMessage(2114, LogLevel.Warning, "Among the members of the cluster in Redis stood what no silo has written, and was taken out: {Members}.")]
    public static partial void Strangers(this ILogger log, string members);

    [LoggerMessage(2115, LogLevel.Warning, "The records of these members of the cluster cannot be read, and nothing is sent there: {Members}.")]
    public static partial void Unreadable(this ILogger log, string members);

    [LoggerMessage(2104, LogLevel.Information, "The member {Member} is gone.")]
    public static partial void MemberGone(this ILogger log, SiloAddress member);

    [LoggerMessage(2105, LogLevel.Warning, "{Silo} could not register its activations again, and tries once more: {Cause}")]
    public static partial void ReregisterFailed(this ILogger log, SiloAddress silo, string cause);

    [LoggerMessage(2106, LogLevel.Warning, "What a former member left could not be purged, and is tried again: {Cause}")]
    public static partial void PurgeFailed(this ILogger log, string cause);

    [LoggerMessage(2108, LogLevel.Warning, "{Silo} has not joined its cluster within {Limit:0.#} s: {Cause} It starts without, and joins when it can.")]
    public static partial void NotJoined(this ILogger log, SiloAddress silo, double limit, string cause);

    [LoggerMessage(2109, LogLevel.Information, "{Silo} has registered its activations again: {Kept} are kept, {Taken} end here since others have taken them over.")]
    public static partial void Reregistered(this ILogger log, SiloAddress silo, int kept, int taken);

    [LoggerMessage(2107, LogLevel.Warning, "{Silo} leaves the cluster without a word, since Redis cannot be told; its membership ends by itself: {Cause}")]
    public static partial void LeaveFailed(this ILogger log, SiloAddress silo, string cause);
}
