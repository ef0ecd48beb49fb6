using Gristmill.Grains.Silo;

namespace Gristmill.Silo.Findings;

/// <summary>What this silo's bridges say themselves, also while Redis is away: what keeps them from serving their queues, and sessions that lack jobs.</summary>
internal sealed class BridgeFindings(SiloQueues queues, TimeProvider clock) : IFindingsSource
{
    // How long a gap is told of: long enough to be seen, short enough to be true.
    private static readonly TimeSpan GapShown = TimeSpan.FromMinutes(10);

    public IReadOnlyList<Finding> Current =>
    [
        .. queues.All.Where(q => q.Trouble is not null).Select(q => new Finding(
            "queue_not_served", Finding.Error, q.Name, $"Queue {q.Name} cannot be served: {q.Trouble}", "See the silo's log; it goes on by itself when the cause is gone.")),
        .. queues.All.Where(q => q.LastGap is { } gap && clock.GetUtcNow() - gap.At < GapShown).Select(q => new Finding(
            "sequence_gap", Finding.Warning, q.Name, $"Session {q.LastGap!.Session} of queue {q.Name} went on without {q.LastGap.Missing} sequence numbers, which had not come within {q.Options.Sessions!.GapSeconds} s.",
            "Ask the producer for them; if its numbers do not begin at 0, set Sessions:FirstSequence; if they come later than that, Sessions:GapSeconds.")),
    ];
}
