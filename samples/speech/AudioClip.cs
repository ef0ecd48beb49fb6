namespace Gristmill.Samples.Speech;

/// <summary>A stretch of sound in memory, one array of samples for each channel.</summary>
/// <remarks>Samples are −1 to 1, where 1 is digital full scale (0 dBFS for a sample's peak).</remarks>
public sealed class AudioClip
{
    /// <summary>Wraps samples without copying them.</summary>
    /// <param name="sampleRate">Frames per second, 8,000 to 48,000.</param>
    /// <param name="channels">One or two arrays of the same length.</param>
    /// <param name="start">Seconds from the recording's start to the clip's first frame.</param>
    /// <exception cref="ArgumentException">The channels are not one or two, or differ in length.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The sample rate is out of range.</exception>
    public AudioClip(int sampleRate, float[][] channels, double start = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sampleRate, WavFormat.MinSampleRate);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sampleRate, WavFormat.MaxSampleRate);
        ArgumentNullException.ThrowIfNull(channels);
        if (channels.Length is < 1 or > WavFormat.MaxChannels || channels.Any(c => c.Length != channels[0].Length))
            throw new ArgumentException($"A clip has 1 to {WavFormat.MaxChannels} channels of one length.", nameof(channels));
        SampleRate = sampleRate;
        Channels = channels;
        Start = start;
    }

    /// <summary>Frames per second.</summary>
    public int SampleRate { get; }

    /// <summary>The samples of each channel.</summary>
    public IReadOnlyList<float[]> Channels { get; }

    /// <summary>Seconds from the recording's start to the clip's first frame.</summary>
    public double Start { get; }

    /// <summary>How many samples each channel has.</summary>
    public int Frames => Channels[0].Length;

    /// <summary>The clip's length in seconds.</summary>
    public double Seconds => (double)Frames / SampleRate;

    /// <summary>The mean of the channels; of a mono clip its own samples, not a copy.</summary>
    public float[] ToMono()
    {
        if (Channels.Count == 1)
            return Channels[0];
        var mono = new float[Frames];
        for (var i = 0; i < mono.Length; i++)
            mono[i] = (Channels[0][i] + Channels[1][i]) / 2;
        return mono;
    }
}
