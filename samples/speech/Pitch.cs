namespace Gristmill.Samples.Speech;

/// <summary>The fundamental frequency of one frame.</summary>
/// <param name="Time">The frame's middle, in seconds from the recording's start.</param>
/// <param name="Hz">The fundamental, <see cref="Pitch.MinHz"/> to <see cref="Pitch.MaxHz"/>; null where the frame is not voiced.</param>
public readonly record struct PitchFrame(double Time, double? Hz);

/// <summary>The pitch of a voice over its voiced frames; all null where no frame is voiced.</summary>
/// <param name="MedianHz">The median in Hz.</param>
/// <param name="LowHz">The 5th percentile in Hz: the low end of the voice's range, without stray frames.</param>
/// <param name="HighHz">The 95th percentile in Hz: the high end.</param>
/// <param name="VoicedSeconds">How long the voice sounded.</param>
/// <remarks>
/// By the YIN method: A. de Cheveigné and H. Kawahara, "YIN, a fundamental frequency estimator for speech and music",
/// J. Acoust. Soc. Am. 111(4), 2002.
/// </remarks>
public sealed record Pitch(double? MedianHz, double? LowHz, double? HighHz, double VoicedSeconds)
{
    /// <summary>The lowest fundamental looked for, in Hz.</summary>
    public const double MinHz = 60;

    /// <summary>The highest fundamental looked for, in Hz.</summary>
    public const double MaxHz = 500;

    internal const double HopSeconds = 0.010;

    /// <summary>The fundamental every 10 ms.</summary>
    public static IReadOnlyList<PitchFrame> Track(AudioClip clip)
    {
        ArgumentNullException.ThrowIfNull(clip);
        return Yin.Track(clip);
    }

    /// <summary>Sums up the frames that are voiced.</summary>
    public static Pitch Summarize(IEnumerable<PitchFrame> frames)
    {
        var voiced = frames.Where(f => f.Hz is not null).Select(f => f.Hz!.Value).Order().ToArray();
        return voiced.Length == 0
            ? new Pitch(null, null, null, 0)
            : new Pitch(Percentile(voiced, 0.5), Percentile(voiced, 0.05), Percentile(voiced, 0.95), voiced.Length * HopSeconds);
    }

    private static double Percentile(double[] sorted, double fraction) => sorted[(int)Math.Round(fraction * (sorted.Length - 1))];
}
