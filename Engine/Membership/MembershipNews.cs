using Gristmill.Redis;
using Microsoft.Extensions.Logging;

namespace Gristmill.Engine;

/// <summary>
/// What is said of a silo's membership, so that the log reads as its story: it stood still → it is cut off → it was counted
/// out and gives up its generation → it has rejoined as another one; or: it renews again. What lasts is said once, and then
/// once a minute.
/// Called by: <see cref="Membership"/>, by its loop and its tick.
/// </summary>
internal sealed class MembershipNews(GrainEngineOptions options, TimeProvider time, ILogger log)
{
    /// <summary>How many ids of strangers are named, and how much of each: others may have written anything of any length.</summary>
    private const int MostNamed = 8;
    private const int LongestName = 120;

    private readonly Lock _gate = new();
    private readonly RepeatedFailure _failures = new(time);
    private IReadOnlyList<string> _unreadable = [];
    private long _noticed = time.GetTimestamp();
    private bool _saidCutOff;

    /// <summary>Before anything that follows from it is said, whoever finds it first after a pause: the tick or a renewal.</summary>
    /// <param name="silo">This silo.</param>
    /// <param name="overdue">How long ago it renewed; null when that is not too long ago.</param>
    public void Notice(SiloAddress silo, TimeSpan? overdue)
    {
        lock (_gate)
        {
            var still = time.GetElapsedTime(_noticed);
            _noticed = time.GetTimestamp();

            // Half of a membership's time is a gap for the others too.
            if (still > options.MembershipTtl / 2)
                log.StoodStill(silo, still.TotalSeconds);
            if (overdue is { } since && !_saidCutOff)
                log.CutOff(silo, options.MembershipTtl.TotalSeconds, since.TotalSeconds);
            _saidCutOff |= overdue is not null;
        }
    }

    /// <summary>A renewal failed.</summary>
    public void Failed(SiloAddress silo, string cause)
    {
        switch (_failures.Failed(cause))
        {
            case FailureNews.New:
                log.RenewFailed(silo, cause);
                break;
            case FailureNews.Still:
                log.RenewStillFails(silo, _failures.Count, _failures.Lasted.TotalSeconds, cause);
                break;
        }
    }

    /// <summary>A renewal went well.</summary>
    /// <param name="silo">This silo.</param>
    /// <param name="since">How long before that it had renewed.</param>
    /// <param name="wasMember">Whether it was a member already.</param>
    /// <param name="former">What it was before it was counted out; null when it joins for the first time.</param>
    public void Renewed(SiloAddress silo, TimeSpan since, bool wasMember, SiloAddress? former)
    {
        bool cutOff;
        lock (_gate)
        {
            (cutOff, _saidCutOff) = (_saidCutOff, false);
        }

        var failed = _failures.Succeeded();
        if (wasMember && (failed || cutOff))
            log.RenewsAgain(silo, since.TotalSeconds);
        else if (!wasMember && former is not null)
            log.Rejoined(silo, since.TotalSeconds, former);
        else if (!wasMember)
            log.Joined(silo);
    }

    /// <summary>What stood among the members and is none.</summary>
    public void Read(RenewReply reply)
    {
        if (reply.Strangers.Count > 0)
            log.Strangers(Names(reply.Strangers));
        if (reply.Members is null)
            return;
        if (reply.Unreadable.Except(_unreadable, StringComparer.Ordinal).ToList() is { Count: > 0 } unreadable)
            log.Unreadable(Names(unreadable));
        _unreadable = reply.Unreadable;
    }

    private static string Names(IReadOnlyList<string> ids) =>
        string.Join(", ", ids.Take(MostNamed).Select(id => id.Length > LongestName ? id[..LongestName] + "…" : id))
        + (ids.Count > MostNamed ? $" and {ids.Count - MostNamed} more" : "");
}
