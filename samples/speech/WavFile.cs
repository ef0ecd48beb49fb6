// Reads WAV recordings: 16-bit PCM, mono or stereo, 8 to 48 kHz. Called by SpeechAnalysis and ChunkPlan.
//
//   open → WavHeader finds the format and the place of the samples → seek to the range → read and scale it
//
// It guarantees that nothing in a file is believed before it is checked against the file's own length and a bound,
// that memory goes with the range asked for and not with the file, and that a refusal names the field and the bound.
using System.Buffers.Binary;

namespace Gristmill.Samples.Speech;

/// <summary>Reads ranges of WAV recordings: RIFF/WAVE, 16-bit PCM, mono or stereo, 8 to 48 kHz.</summary>
/// <remarks>
/// Format: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991), and
/// Microsoft, "Multiple channel audio data and WAVE files" (WAVE_FORMAT_EXTENSIBLE). Chunks may come in any order.
/// Streams must be seekable; they are left open.
/// </remarks>
public static class WavFile
{
    /// <summary>The most frames read at once: an hour at 8 kHz, ten minutes at 48 kHz.</summary>
    public const int MaxFramesPerRead = 28_800_000;

    private const int BytesPerSample = 2;
    private const int FramesPerBlock = 4_096;

    /// <summary>Reads the header alone.</summary>
    /// <exception cref="InvalidDataException">The file is not such a recording; the message names field and bound.</exception>
    public static WavFormat ReadFormat(string path)
    {
        using var file = File.OpenRead(path);
        return ReadFormat(file);
    }

    /// <inheritdoc cref="ReadFormat(string)"/>
    public static WavFormat ReadFormat(Stream stream) => WavHeader.Read(stream).Format;

    /// <summary>Reads the frames from <paramref name="start"/> up to but not at <paramref name="end"/>.</summary>
    /// <param name="path">The recording.</param>
    /// <param name="start">Seconds, from 0 to the recording's length.</param>
    /// <param name="end">Seconds, not before the start; past the recording's end it means that end.</param>
    /// <exception cref="InvalidDataException">The file is not such a recording; the message names field and bound.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is not in the recording, or longer than <see cref="MaxFramesPerRead"/>.</exception>
    public static AudioClip Read(string path, double start = 0, double end = double.PositiveInfinity)
    {
        using var file = File.OpenRead(path);
        return Read(file, start, end);
    }

    /// <inheritdoc cref="Read(string, double, double)"/>
    public static AudioClip Read(Stream stream, double start = 0, double end = double.PositiveInfinity)
    {
        var header = WavHeader.Read(stream);
        var (first, count) = Range(header.Format, start, end);
        var channels = new float[header.Format.Channels][];
        for (var c = 0; c < channels.Length; c++)
            channels[c] = new float[count];
        stream.Position = header.DataOffset + first * channels.Length * BytesPerSample;
        ReadSamples(stream, channels, count);
        return new AudioClip(header.Format.SampleRate, channels, (double)first / header.Format.SampleRate);
    }

    private static (long First, int Count) Range(WavFormat format, double start, double end)
    {
        if (!(start >= 0 && start <= format.Seconds))
            throw new ArgumentOutOfRangeException(nameof(start), start, FormattableString.Invariant($"The start must be from 0 to the recording's {format.Seconds:0.###} s."));
        if (!(end >= start))
            throw new ArgumentOutOfRangeException(nameof(end), end, FormattableString.Invariant($"The end must not be before the start, {start:0.###} s."));
        // Rounding both ends alike makes neighbouring ranges meet without a gap or a frame read twice.
        var first = (long)Math.Round(start * format.SampleRate);
        var last = (long)Math.Round(Math.Min(end, format.Seconds) * format.SampleRate);
        var count = last - first;
        if (count > MaxFramesPerRead)
            throw new ArgumentOutOfRangeException(nameof(end), end, $"The range has {count} frames; at most {MaxFramesPerRead} are read at once.");
        return (first, (int)count);
    }

    private static void ReadSamples(Stream stream, float[][] channels, int count)
    {
        var frameBytes = channels.Length * BytesPerSample;
        var buffer = new byte[FramesPerBlock * frameBytes];
        for (var done = 0; done < count;)
        {
            var frames = Math.Min(FramesPerBlock, count - done);
            var block = buffer.AsSpan(0, frames * frameBytes);
            if (stream.ReadAtLeast(block, block.Length, throwOnEndOfStream: false) < block.Length)
                throw new InvalidDataException("data: the file ended while its samples were read.");
            for (var i = 0; i < frames * channels.Length; i++)
                channels[i % channels.Length][done + i / channels.Length] = BinaryPrimitives.ReadInt16LittleEndian(block[(i * BytesPerSample)..]) / 32768f;
            done += frames;
        }
    }
}
