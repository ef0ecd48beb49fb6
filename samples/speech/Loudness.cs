namespace Gristmill.Samples.Speech;

/// <summary>How loud a clip is.</summary>
/// <param name="IntegratedLufs">
/// Integrated loudness in LUFS, gated; null where nothing passes the gate (silence, or less than 400 ms of sound).
/// </param>
/// <param name="PeakDbfs">The largest sample in dBFS, 0 at full scale; null where all samples are zero.</param>
/// <remarks>
/// Recommendation ITU-R BS.1770-5, annex 1: K-weighting, mean square in blocks of 400 ms that overlap by 75 %, an absolute
/// gate at −70 LUFS and a relative one at 10 LU under what passes it. Both channels weigh 1; a mono clip is one channel,
/// so the same samples in both channels of a stereo clip are 3.01 LU louder.
/// </remarks>
public sealed record Loudness(double? IntegratedLufs, double? PeakDbfs)
{
    private const double Offset = -0.691;
    private const double AbsoluteGateLufs = -70;
    private const double RelativeGateLu = -10;
    private const double StepSeconds = 0.1;
    private const int StepsPerBlock = 4;

    /// <summary>Measures a clip.</summary>
    public static Loudness Measure(AudioClip clip)
    {
        ArgumentNullException.ThrowIfNull(clip);
        var peak = clip.Channels.Max(Peak);
        return new Loudness(Gated(BlockPowers(clip)), peak > 0 ? 20 * Math.Log10(peak) : null);
    }

    private static double Peak(float[] samples)
    {
        var peak = 0f;
        foreach (var sample in samples)
            peak = Math.Max(peak, Math.Abs(sample));
        return peak;
    }

    /// <summary>The weighted mean square of each 400 ms block, the channels summed.</summary>
    private static double[] BlockPowers(AudioClip clip)
    {
        var step = (int)Math.Round(StepSeconds * clip.SampleRate);
        var steps = new double[clip.Frames / step];
        foreach (var channel in clip.Channels)
        {
            var weighting = new KWeighting(clip.SampleRate);
            for (var i = 0; i < steps.Length * step; i++)
            {
                var weighted = weighting.Next(channel[i]);
                steps[i / step] += weighted * weighted;
            }
        }
        var blocks = new double[Math.Max(0, steps.Length - StepsPerBlock + 1)];
        for (var i = 0; i < blocks.Length; i++)
            blocks[i] = steps.Skip(i).Take(StepsPerBlock).Sum() / (StepsPerBlock * step);
        return blocks;
    }

    private static double? Gated(double[] blocks)
    {
        var loud = blocks.Where(power => ToLufs(power) > AbsoluteGateLufs).ToArray();
        if (loud.Length == 0)
            return null;
        var relativeGate = ToLufs(loud.Average()) + RelativeGateLu;
        return ToLufs(loud.Where(power => ToLufs(power) > relativeGate).Average());
    }

    private static double ToLufs(double power) => Offset + 10 * Math.Log10(power);
}
