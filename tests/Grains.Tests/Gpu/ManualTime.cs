namespace Gristmill.Grains.Tests.Gpu;

/// <summary>A clock that stands until it is moved; ticks are milliseconds.</summary>
internal sealed class ManualTime : TimeProvider
{
    private long _now;

    public override long TimestampFrequency => 1000;

    public double Seconds => _now / 1000.0;

    public override long GetTimestamp() => _now;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddMilliseconds(_now);

    public void Advance(double seconds) => _now += (long)(seconds * 1000);
}
