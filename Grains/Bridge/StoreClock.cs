namespace Gristmill.Grains.Bridge;

/// <summary>The store's clock as this silo knows it: its own clock, set right by what replies say.</summary>
internal sealed class StoreClock(TimeProvider clock)
{
    private long _offset;

    /// <summary>Unix ms by the store's clock.</summary>
    public long Now => clock.GetUtcNow().ToUnixTimeMilliseconds() + Volatile.Read(ref _offset);

    /// <summary>A reply said that it is this late, Unix ms.</summary>
    public void Heard(long now)
    {
        if (now > 0) Volatile.Write(ref _offset, now - clock.GetUtcNow().ToUnixTimeMilliseconds());
    }
}
