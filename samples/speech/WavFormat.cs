namespace Gristmill.Samples.Speech;

/// <summary>What a WAV file's header says of its sound.</summary>
/// <param name="SampleRate">Frames per second, <see cref="MinSampleRate"/> to <see cref="MaxSampleRate"/>.</param>
/// <param name="Channels">1 or 2.</param>
/// <param name="Frames">Frames in the file: samples of each channel.</param>
public sealed record WavFormat(int SampleRate, int Channels, long Frames)
{
    /// <summary>The lowest sample rate read, that of telephones, in Hz.</summary>
    public const int MinSampleRate = 8_000;

    /// <summary>The highest sample rate read, in Hz.</summary>
    public const int MaxSampleRate = 48_000;

    /// <summary>The most channels read.</summary>
    public const int MaxChannels = 2;

    /// <summary>The recording's length in seconds.</summary>
    public double Seconds => (double)Frames / SampleRate;
}
