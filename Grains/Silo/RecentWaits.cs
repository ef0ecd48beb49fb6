namespace Gristmill.Grains.Silo;

/// <summary>How long the last jobs of a queue waited for their handler on this silo. From any thread.</summary>
internal sealed class RecentWaits
{
    private const int Size = 1024;
    private readonly double[] _seconds = new double[Size];
    private long _count;

    public void Add(double seconds) => Volatile.Write(ref _seconds[(Interlocked.Increment(ref _count) - 1) % Size], seconds);

    /// <summary>Median, 99th percentile and maximum in seconds, and how many jobs they are of; null when there was none.</summary>
    public WaitSummary? Summarize()
    {
        var count = (int)Math.Min(Interlocked.Read(ref _count), Size);
        if (count == 0) return null;
        var sorted = _seconds[..count];
        Array.Sort(sorted);
        return new WaitSummary(sorted[count / 2], sorted[(int)(count * 0.99)], sorted[^1], count);
    }
}

/// <summary>How long jobs waited from being enqueued to the start of their handler.</summary>
/// <param name="P50Seconds">The median.</param>
/// <param name="P99Seconds">The 99th percentile.</param>
/// <param name="MaxSeconds">The longest.</param>
/// <param name="Jobs">Of how many jobs.</param>
internal sealed record WaitSummary(double P50Seconds, double P99Seconds, double MaxSeconds, int Jobs);

/// <summary>What happened to a queue in the cluster per second, over the last minute or since the silo has looked.</summary>
/// <param name="ClaimedPerSecond">Items taken off its lists.</param>
/// <param name="EnqueuedPerSecond">Jobs handed over by clients.</param>
/// <param name="CompletedPerSecond">Jobs completed.</param>
/// <param name="DeadPerSecond">Jobs that became dead letters.</param>
/// <param name="OverSeconds">Over how long.</param>
internal sealed record QueueRates(double ClaimedPerSecond, double EnqueuedPerSecond, double CompletedPerSecond, double DeadPerSecond, double OverSeconds);
