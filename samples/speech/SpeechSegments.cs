namespace Gristmill.Samples.Speech;

/// <summary>A stretch of speech, in seconds from the recording's start, to the millisecond.</summary>
/// <param name="Start">Where it starts.</param>
/// <param name="End">Where it ends.</param>
public readonly record struct SpeechSegment(double Start, double End)
{
    /// <summary>Its length in seconds.</summary>
    public double Seconds => Math.Round(End - Start, 3);
}

/// <summary>Voice activity detection by energy: which stretches of a clip are speech.</summary>
/// <remarks>
/// Frames of 20 ms every 10 ms; a frame's level is the variance of its samples in dBFS, so that a constant offset counts
/// for nothing. The noise floor is the greatest curve under the levels that rises and falls no faster than
/// <see cref="SpeechSegmentsOptions.FloorRiseDbPerSecond"/>: it touches the pauses, adapts to a noise that changes, and
/// stays under the speech between them (tracking of minima: R. Martin, "Noise Power Spectral Density Estimation Based on
/// Optimal Smoothing and Minimum Statistics", IEEE Trans. Speech Audio Process. 9(5), 2001, in its simplest form).
/// Two thresholds above the floor are as in L. Rabiner and M. Sambur, "An Algorithm for Determining the Endpoints of
/// Isolated Utterances", Bell Syst. Tech. J. 54(2), 1975. The hangover only joins, and is not part of a segment's time.
/// </remarks>
public static class SpeechSegments
{
    private const double HopSeconds = 0.010;
    private const double SilenceDbfs = -120;

    /// <summary>Finds the segments of speech, in order, each after the end of the one before.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its bounds.</exception>
    public static IReadOnlyList<SpeechSegment> Find(AudioClip clip, SpeechSegmentsOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(clip);
        options ??= SpeechSegmentsOptions.Default;
        options.Validate();
        var levels = Levels(clip);
        var floor = NoiseFloor(levels, options);
        return [.. Runs(levels, floor, options)
            .Where(run => (run.Last - run.First + 1) * HopSeconds >= options.MinSpeechSeconds)
            .Select(run => ToSegment(run, levels.Length, clip))];
    }

    /// <summary>The level of each frame in dBFS.</summary>
    private static double[] Levels(AudioClip clip)
    {
        var samples = clip.ToMono();
        var hop = (int)(HopSeconds * clip.SampleRate);
        var levels = new double[Math.Max(0, samples.Length / hop - 1)];
        for (var i = 0; i < levels.Length; i++)
        {
            double sum = 0, squares = 0;
            foreach (var sample in samples.AsSpan(i * hop, 2 * hop))
            {
                sum += sample;
                squares += (double)sample * sample;
            }
            var mean = sum / (2 * hop);
            var variance = squares / (2 * hop) - mean * mean;
            levels[i] = Math.Max(SilenceDbfs, 10 * Math.Log10(Math.Max(variance, 1e-12)));
        }
        return levels;
    }

    /// <summary>The greatest curve under the levels with a bounded slope: one pass limits its rise, one its fall.</summary>
    private static double[] NoiseFloor(double[] levels, SpeechSegmentsOptions options)
    {
        var step = options.FloorRiseDbPerSecond * HopSeconds;
        var floor = new double[levels.Length];
        for (var i = 0; i < floor.Length; i++)
        {
            floor[i] = Math.Max(levels[i], options.MinFloorDbfs);
            if (i > 0)
                floor[i] = Math.Min(floor[i], floor[i - 1] + step);
        }
        for (var i = floor.Length - 2; i >= 0; i--)
            floor[i] = Math.Min(floor[i], floor[i + 1] + step);
        return floor;
    }

    /// <summary>The runs of frames that are speech, first and last frame: hysteresis, with pauses under the hangover joined.</summary>
    private static IEnumerable<(int First, int Last)> Runs(double[] levels, double[] floor, SpeechSegmentsOptions options)
    {
        var hangover = (int)Math.Round(options.HangoverSeconds / HopSeconds);
        int first = -1, last = -1;
        for (var i = 0; i < levels.Length; i++)
        {
            var speaking = levels[i] - floor[i] >= (first < 0 ? options.OnDb : options.OffDb);
            if (speaking && first < 0)
                first = i;
            if (speaking)
                last = i;
            if (first >= 0 && i - last > hangover)
            {
                yield return (first, last);
                first = -1;
            }
        }
        if (first >= 0)
            yield return (first, last);
    }

    /// <summary>A run reaches from the middle of its first frame to the middle of its last; at a clip's edge, to the edge.</summary>
    private static SpeechSegment ToSegment((int First, int Last) run, int frames, AudioClip clip)
    {
        var start = run.First == 0 ? 0 : (run.First + 1) * HopSeconds;
        var end = run.Last == frames - 1 ? clip.Seconds : (run.Last + 1) * HopSeconds;
        return new SpeechSegment(Math.Round(clip.Start + start, 3), Math.Round(clip.Start + end, 3));
    }
}
