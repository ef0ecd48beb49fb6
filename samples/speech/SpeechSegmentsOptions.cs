namespace Gristmill.Samples.Speech;

/// <summary>When sound counts as speech. The defaults suit a telephone or a room with some 15 dB between voice and noise.</summary>
public sealed record SpeechSegmentsOptions
{
    /// <summary>The defaults.</summary>
    public static SpeechSegmentsOptions Default { get; } = new();

    /// <summary>Speech starts this many dB above the noise floor; over <see cref="OffDb"/> up to 60, default 9.</summary>
    public double OnDb { get; init; } = 9;

    /// <summary>Speech ends under this many dB above the noise floor; 1 to <see cref="OnDb"/>, default 6.</summary>
    public double OffDb { get; init; } = 6;

    /// <summary>A pause shorter than this many seconds does not end a segment; 0 to 5, default 0.25.</summary>
    public double HangoverSeconds { get; init; } = 0.25;

    /// <summary>Sound shorter than this many seconds is a click, not speech; 0 to 5, default 0.1.</summary>
    public double MinSpeechSeconds { get; init; } = 0.1;

    /// <summary>How fast the noise floor may follow a rising noise, in dB per second; 0.1 to 60, default 4.</summary>
    public double FloorRiseDbPerSecond { get; init; } = 4;

    /// <summary>The noise floor is never taken to be under this, so that dither is not speech, in dBFS; −96 to 0, default −65.</summary>
    public double MinFloorDbfs { get; init; } = -65;

    internal void Validate()
    {
        Check(nameof(OffDb), OffDb, 1, 60);
        Check(nameof(OnDb), OnDb, OffDb, 60);
        Check(nameof(HangoverSeconds), HangoverSeconds, 0, 5);
        Check(nameof(MinSpeechSeconds), MinSpeechSeconds, 0, 5);
        Check(nameof(FloorRiseDbPerSecond), FloorRiseDbPerSecond, 0.1, 60);
        Check(nameof(MinFloorDbfs), MinFloorDbfs, -96, 0);
    }

    private static void Check(string name, double value, double min, double max)
    {
        if (!(value >= min && value <= max))
            throw new ArgumentOutOfRangeException(name, value, FormattableString.Invariant($"{name} must be from {min} to {max}."));
    }
}
