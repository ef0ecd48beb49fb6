using Gristmill.Grains.Silo;

namespace Gristmill.Silo.Findings;

/// <summary>What keeps this silo's bridges from serving their queues, as they say it themselves: also while Redis is away.</summary>
internal sealed class BridgeFindings(SiloQueues queues) : IFindingsSource
{
    public IReadOnlyList<Finding> Current =>
    [
        .. queues.All.Where(q => q.Trouble is not null).Select(q => new Finding(
            "queue_not_served", Finding.Error, q.Name, $"Queue {q.Name} cannot be served: {q.Trouble}", "See the silo's log; it goes on by itself when the cause is gone.")),
    ];
}
