using Gristmill.Grains.Silo;

namespace Gristmill.Silo.Findings;

/// <summary>What keeps this silo's bridges from serving their queues, from the monitor's last look.</summary>
internal sealed class BridgeFindings(QueueMonitor monitor) : IFindingsSource
{
    public IReadOnlyList<Finding> Current =>
    [
        .. monitor.Readings.Where(r => r.Trouble is not null).Select(r => new Finding(
            "queue_not_served", Finding.Error, r.Queue, $"Queue {r.Queue} cannot be served: {r.Trouble}", "See the silo's log; it goes on by itself when the cause is gone.")),
    ];
}
