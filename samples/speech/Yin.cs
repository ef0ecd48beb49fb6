namespace Gristmill.Samples.Speech;

/// <summary>The YIN method of finding a voice's fundamental frequency.</summary>
/// <remarks>
/// A. de Cheveigné and H. Kawahara, "YIN, a fundamental frequency estimator for speech and music", J. Acoust. Soc. Am.
/// 111(4), 2002: the difference function (equation 6) over 25 ms, its cumulative mean normalised form (8), the first dip
/// under an absolute threshold of 0.15, and a parabola through that dip. The sound is first brought to 8 to 16 kHz by
/// averaging neighbouring samples, which is ample for fundamentals up to 500 Hz and keeps the cost the same at every rate.
/// </remarks>
internal static class Yin
{
    private const double WindowSeconds = 0.025;
    private const double Threshold = 0.15;
    private const int WorkingRate = 8_000;

    /// <summary>A frame under −60 dBFS is not voiced: what repeats there is hum or rounding.</summary>
    private const double MinPower = 1e-6;

    internal static PitchFrame[] Track(AudioClip clip)
    {
        var factor = clip.SampleRate / WorkingRate;
        var samples = Decimate(clip.ToMono(), factor);
        var rate = (double)clip.SampleRate / factor;
        var window = (int)(WindowSeconds * rate);
        var minLag = (int)(rate / Pitch.MaxHz);
        var maxLag = (int)Math.Ceiling(rate / Pitch.MinHz);
        var reach = window + maxLag + 1;
        var difference = new float[maxLag + 2];
        var frames = new PitchFrame[samples.Length < reach ? 0 : (int)((samples.Length - reach) / (Pitch.HopSeconds * rate)) + 1];
        for (var i = 0; i < frames.Length; i++)
        {
            var at = (int)(i * Pitch.HopSeconds * rate);
            var lag = Lag(samples.AsSpan(at, reach), window, minLag, difference);
            frames[i] = new PitchFrame(clip.Start + (at + reach / 2.0) / rate, lag is { } l ? rate / l : null);
        }
        return frames;
    }

    private static float[] Decimate(float[] samples, int factor)
    {
        if (factor == 1)
            return samples;
        var fewer = new float[samples.Length / factor];
        for (var i = 0; i < fewer.Length; i++)
        {
            var sum = 0f;
            foreach (var sample in samples.AsSpan(i * factor, factor))
                sum += sample;
            fewer[i] = sum / factor;
        }
        return fewer;
    }

    /// <summary>The period of a frame in samples, or null where it has none.</summary>
    private static double? Lag(ReadOnlySpan<float> frame, int window, int minLag, float[] difference)
    {
        if (Power(frame[..window]) < MinPower)
            return null;
        Differences(frame, window, difference);
        Normalize(difference);
        for (var lag = minLag; lag < difference.Length - 1; lag++)
        {
            if (difference[lag] >= Threshold)
                continue;
            while (lag < difference.Length - 1 && difference[lag + 1] < difference[lag])
                lag++;
            // A slope that still falls at either end of the search has its dip outside it.
            return lag == difference.Length - 1 || difference[lag - 1] < difference[lag] ? null : Dip(difference, lag);
        }
        return null;
    }

    private static double Power(ReadOnlySpan<float> samples)
    {
        var sum = 0.0;
        foreach (var sample in samples)
            sum += sample * sample;
        return sum / samples.Length;
    }

    /// <summary>Equation 6: the squared difference between the window and itself, each lag later.</summary>
    private static void Differences(ReadOnlySpan<float> frame, int window, float[] difference)
    {
        var still = frame[..window];
        for (var lag = 0; lag < difference.Length; lag++)
        {
            var moved = frame.Slice(lag, window);
            var sum = 0f;
            for (var i = 0; i < still.Length; i++)
            {
                var d = still[i] - moved[i];
                sum += d * d;
            }
            difference[lag] = sum;
        }
    }

    /// <summary>Equation 8: over the mean of the lags up to each, so that the dip at lag 0 is gone.</summary>
    private static void Normalize(float[] difference)
    {
        var sum = 0f;
        difference[0] = 1;
        for (var lag = 1; lag < difference.Length; lag++)
        {
            sum += difference[lag];
            difference[lag] = sum > 0 ? difference[lag] * lag / sum : 1;
        }
    }

    /// <summary>The lowest point of the parabola through a dip and its neighbours.</summary>
    private static double Dip(float[] difference, int lag)
    {
        double before = difference[lag - 1], at = difference[lag], after = difference[lag + 1];
        var curvature = before - 2 * at + after;
        return curvature > 0 ? lag + (before - after) / (2 * curvature) : lag;
    }
}
