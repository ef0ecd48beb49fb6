namespace Gristmill.Redis;

/// <summary>
/// Waits between attempts to connect: doubling from the least to the most, each drawn from its upper half so that the silos
/// of a cluster do not come back in one instant. Not thread-safe: one per loop.
/// </summary>
internal sealed class Backoff(TimeSpan least, TimeSpan most, Random random)
{
    private int _attempts;

    public TimeSpan Next()
    {
        var full = Math.Min(most.TotalMilliseconds, least.TotalMilliseconds * Math.Pow(2, _attempts));
        _attempts = Math.Min(_attempts + 1, 30);
        return TimeSpan.FromMilliseconds(full * (0.5 + (0.5 * random.NextDouble())));
    }

    /// <summary>A connection that held: the next loss starts from the least again.</summary>
    public void Reset() => _attempts = 0;
}
