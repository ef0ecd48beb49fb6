namespace Gristmill.Grains.Workers;

/// <summary>
/// So many lines of one worker reach the silo's log per second; the rest is counted. Refilled by the pool's sweep,
/// taken from by the worker's two readers.
/// </summary>
internal sealed class LogBudget(TimeProvider time)
{
    /// <summary>Enough for a chatty worker; a flood must not fill the silo's disk.</summary>
    private const int LinesPerSecond = 100;

    private long _refilledAt = time.GetTimestamp();
    private int _left = LinesPerSecond;
    private int _suppressed;

    public bool TryTake()
    {
        if (Interlocked.Decrement(ref _left) >= 0)
        {
            return true;
        }

        Interlocked.Increment(ref _suppressed);
        return false;
    }

    /// <summary>Refills once a second; returns how many lines were held back since the last time.</summary>
    public int Refill(long now)
    {
        if (time.GetElapsedTime(_refilledAt, now) < TimeSpan.FromSeconds(1))
        {
            return 0;
        }

        _refilledAt = now;
        Volatile.Write(ref _left, LinesPerSecond);
        return Interlocked.Exchange(ref _suppressed, 0);
    }
}
