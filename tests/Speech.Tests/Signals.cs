using System.Buffers.Binary;
using System.Text;

namespace Gristmill.Samples.Speech.Tests;

/// <summary>Signals of known truth, and WAV files put together field by field.</summary>
internal static class Signals
{
    internal static float[] Sine(double hz, double peakDbfs, double seconds, int sampleRate) =>
        Harmonics(hz, 1, peakDbfs, seconds, sampleRate);

    /// <summary>The sum of a fundamental and its harmonics, each as loud as one over its number; the level is the fundamental's.</summary>
    internal static float[] Harmonics(double hz, int count, double peakDbfs, double seconds, int sampleRate)
    {
        var amplitude = Math.Pow(10, peakDbfs / 20);
        var samples = new float[(int)Math.Round(seconds * sampleRate)];
        for (var h = 1; h <= count; h++)
        {
            for (var i = 0; i < samples.Length; i++)
                samples[i] += (float)(amplitude / h * Math.Sin(2 * Math.PI * h * hz * i / sampleRate));
        }
        return samples;
    }

    /// <summary>Even noise whose mean level is given; the same for the same seed.</summary>
    internal static float[] Noise(double dbfs, double seconds, int sampleRate, int seed = 1)
    {
        var random = new Random(seed);
        var amplitude = Math.Sqrt(3) * Math.Pow(10, dbfs / 20);
        return [.. Enumerable.Range(0, (int)Math.Round(seconds * sampleRate)).Select(_ => (float)(amplitude * (2 * random.NextDouble() - 1)))];
    }

    /// <summary>Adds one signal to another from a time on.</summary>
    internal static void Add(float[] to, float[] signal, double seconds, int sampleRate)
    {
        var at = (int)Math.Round(seconds * sampleRate);
        for (var i = 0; i < signal.Length; i++)
            to[at + i] += signal[i];
    }

    internal static AudioClip InMono(float[] samples, int sampleRate) => new(sampleRate, [samples]);

    internal static AudioClip InStereo(float[] samples, int sampleRate) => new(sampleRate, [samples, samples]);

    /// <summary>The fields of a PCM format.</summary>
    internal static byte[] Format(int sampleRate = 8_000, int channels = 1, int tag = 1, int bits = 16, int? frameBytes = null, int? bytesPerSecond = null)
    {
        var fields = new byte[16];
        var align = frameBytes ?? channels * 2;
        BinaryPrimitives.WriteUInt16LittleEndian(fields, (ushort)tag);
        BinaryPrimitives.WriteUInt16LittleEndian(fields.AsSpan(2), (ushort)channels);
        BinaryPrimitives.WriteInt32LittleEndian(fields.AsSpan(4), sampleRate);
        BinaryPrimitives.WriteInt32LittleEndian(fields.AsSpan(8), bytesPerSecond ?? sampleRate * align);
        BinaryPrimitives.WriteUInt16LittleEndian(fields.AsSpan(12), (ushort)align);
        BinaryPrimitives.WriteUInt16LittleEndian(fields.AsSpan(14), (ushort)bits);
        return fields;
    }

    /// <summary>The fields of an extensible format.</summary>
    internal static byte[] Extensible(int channels = 1, int validBits = 16, string subformat = "00000001-0000-0010-8000-00aa00389b71")
    {
        var extension = new byte[24];
        BinaryPrimitives.WriteUInt16LittleEndian(extension, 22);
        BinaryPrimitives.WriteUInt16LittleEndian(extension.AsSpan(2), (ushort)validBits);
        new Guid(subformat).TryWriteBytes(extension.AsSpan(8));
        return [.. Format(channels: channels, tag: 0xFFFE), .. extension];
    }

    /// <summary>A chunk, padded to an even length; the size in its header can be made to lie.</summary>
    internal static byte[] Chunk(string id, byte[] body, uint? size = null)
    {
        var header = new byte[8];
        Encoding.ASCII.GetBytes(id, header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), size ?? (uint)body.Length);
        return [.. header, .. body, .. new byte[body.Length & 1]];
    }

    /// <summary>A file of chunks.</summary>
    internal static MemoryStream Riff(params byte[][] chunks) => new(Chunk("RIFF", [.. "WAVE"u8, .. chunks.SelectMany(c => c)]));

    internal static byte[] Pcm(params short[] samples)
    {
        var bytes = new byte[samples.Length * 2];
        for (var i = 0; i < samples.Length; i++)
            BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(i * 2), samples[i]);
        return bytes;
    }
}
