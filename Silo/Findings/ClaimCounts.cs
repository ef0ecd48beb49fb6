using Gristmill.Grains.Silo;

namespace Gristmill.Silo.Findings;

/// <summary>
/// How much the whole cluster has claimed, from the monitor's last look at the store. Known for queues with one list: the
/// store counts by queue.
/// </summary>
internal sealed class ClaimCounts(QueueMonitor monitor) : IClaimCounts
{
    public long? ClaimedFrom(string queue, string list)
    {
        foreach (var reading in monitor.Readings)
        {
            if (reading.Queue == queue && reading.Lists == 1) return reading.Totals["claimed"];
        }

        return null;
    }
}
