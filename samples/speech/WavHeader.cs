using System.Buffers.Binary;
using System.Text;

namespace Gristmill.Samples.Speech;

/// <summary>Where a WAV file's samples are and what they mean: the walk over its chunks, checking each field.</summary>
internal sealed record WavHeader(WavFormat Format, long DataOffset)
{
    /// <summary>A file of more chunks is not a recording but an attempt to keep the reader busy.</summary>
    internal const int MaxChunks = 1_000;

    private const int RiffHeaderBytes = 12;
    private const int ChunkHeaderBytes = 8;
    private const int PlainFormatBytes = 16;
    private const int ExtensibleFormatBytes = 40;
    private const ushort PcmTag = 1;
    private const ushort ExtensibleTag = 0xFFFE;

    // KSDATAFORMAT_SUBTYPE_PCM
    private static readonly Guid PcmSubformat = new("00000001-0000-0010-8000-00aa00389b71");

    private readonly record struct Extent(long Offset, long Size);

    internal static WavHeader Read(Stream stream)
    {
        var end = ReadRiffEnd(stream);
        var (format, data) = FindChunks(stream, end);
        Span<byte> fields = stackalloc byte[ExtensibleFormatBytes];
        fields = fields[..(int)Math.Min(format.Size, ExtensibleFormatBytes)];
        ReadAt(stream, format.Offset, fields, "fmt");
        var (sampleRate, channels) = ParseFormat(fields);
        var frameBytes = channels * sizeof(short);
        Require(data.Size % frameBytes == 0, $"data size is {data.Size}; it must be a multiple of the frame's {frameBytes} bytes.");
        return new WavHeader(new WavFormat(sampleRate, channels, data.Size / frameBytes), data.Offset);
    }

    private static long ReadRiffEnd(Stream stream)
    {
        Span<byte> riff = stackalloc byte[RiffHeaderBytes];
        Require(stream.Length >= RiffHeaderBytes, $"file length is {stream.Length}; a WAV file has at least {RiffHeaderBytes} bytes.");
        ReadAt(stream, 0, riff, "RIFF header");
        Require(riff[..4].SequenceEqual("RIFF"u8), $"file id is '{Printable(riff[..4])}'; it must be 'RIFF'.");
        Require(riff[8..].SequenceEqual("WAVE"u8), $"RIFF form is '{Printable(riff[8..])}'; it must be 'WAVE'.");
        var size = BinaryPrimitives.ReadUInt32LittleEndian(riff[4..]);
        Require(size >= 4 && size <= stream.Length - 8, $"RIFF size is {size}; it must be from 4 to the {stream.Length - 8} bytes that follow it.");
        return size + 8L;
    }

    private static (Extent Format, Extent Data) FindChunks(Stream stream, long end)
    {
        Extent? format = null, data = null;
        Span<byte> header = stackalloc byte[ChunkHeaderBytes];
        var at = (long)RiffHeaderBytes;
        for (var chunks = 0; at + ChunkHeaderBytes <= end && (format is null || data is null); chunks++)
        {
            Require(chunks < MaxChunks, $"chunk count is over {MaxChunks} with no 'fmt ' and 'data' among them.");
            ReadAt(stream, at, header, "chunk header");
            var chunk = new Extent(at + ChunkHeaderBytes, BinaryPrimitives.ReadUInt32LittleEndian(header[4..]));
            Require(chunk.Size <= end - chunk.Offset, $"'{Printable(header[..4])}' size is {chunk.Size}; at most {end - chunk.Offset} bytes are left.");
            if (header[..4].SequenceEqual("fmt "u8))
                format = Once(format, chunk, "fmt ");
            else if (header[..4].SequenceEqual("data"u8))
                data = Once(data, chunk, "data");
            at = chunk.Offset + chunk.Size + (chunk.Size & 1); // chunks are padded to even lengths
        }
        return (format ?? throw Invalid("'fmt ' chunk is missing; a WAV file has one."),
            data ?? throw Invalid("'data' chunk is missing; a WAV file has one."));
    }

    private static Extent Once(Extent? known, Extent found, string id) =>
        known is null ? found : throw Invalid($"'{id}' chunk is there twice; a WAV file has one.");

    private static (int SampleRate, int Channels) ParseFormat(ReadOnlySpan<byte> fields)
    {
        Require(fields.Length >= PlainFormatBytes, $"'fmt ' size is {fields.Length}; it must be at least {PlainFormatBytes}.");
        var tag = BinaryPrimitives.ReadUInt16LittleEndian(fields);
        var channels = BinaryPrimitives.ReadUInt16LittleEndian(fields[2..]);
        var sampleRate = BinaryPrimitives.ReadUInt32LittleEndian(fields[4..]);
        var bytesPerSecond = BinaryPrimitives.ReadUInt32LittleEndian(fields[8..]);
        var frameBytes = BinaryPrimitives.ReadUInt16LittleEndian(fields[12..]);
        var bits = BinaryPrimitives.ReadUInt16LittleEndian(fields[14..]);
        Require(tag is PcmTag or ExtensibleTag, $"format tag is 0x{tag:X4}; it must be 0x0001 (PCM) or 0xFFFE (extensible PCM).");
        Require(channels is >= 1 and <= WavFormat.MaxChannels, $"channels is {channels}; it must be 1 or {WavFormat.MaxChannels}.");
        Require(sampleRate is >= WavFormat.MinSampleRate and <= WavFormat.MaxSampleRate,
            $"sample rate is {sampleRate}; it must be from {WavFormat.MinSampleRate} to {WavFormat.MaxSampleRate} Hz.");
        Require(bits == 16, $"bits per sample is {bits}; it must be 16.");
        Require(frameBytes == channels * sizeof(short), $"block align is {frameBytes}; it must be {channels * sizeof(short)} for this format.");
        Require(bytesPerSecond == sampleRate * frameBytes, $"byte rate is {bytesPerSecond}; it must be {sampleRate * frameBytes} for this format.");
        if (tag == ExtensibleTag)
            CheckExtension(fields);
        return ((int)sampleRate, channels);
    }

    private static void CheckExtension(ReadOnlySpan<byte> fields)
    {
        Require(fields.Length == ExtensibleFormatBytes, $"'fmt ' size is {fields.Length}; an extensible format has at least {ExtensibleFormatBytes}.");
        var validBits = BinaryPrimitives.ReadUInt16LittleEndian(fields[18..]);
        Require(validBits == 16, $"valid bits per sample is {validBits}; it must be 16.");
        var subformat = new Guid(fields[24..]);
        Require(subformat == PcmSubformat, $"subformat is {subformat}; it must be PCM, {PcmSubformat}.");
    }

    private static void ReadAt(Stream stream, long offset, Span<byte> into, string field)
    {
        stream.Position = offset;
        Require(stream.ReadAtLeast(into, into.Length, throwOnEndOfStream: false) == into.Length, $"{field}: the file ended within it.");
    }

    private static string Printable(ReadOnlySpan<byte> id)
    {
        var text = new StringBuilder(id.Length);
        foreach (var b in id)
            text.Append(b is >= 0x20 and < 0x7F ? (char)b : '?');
        return text.ToString();
    }

    private static void Require(bool holds, FormattableString otherwise)
    {
        if (!holds)
            throw Invalid(FormattableString.Invariant(otherwise));
    }

    private static InvalidDataException Invalid(string message) => new(message);
}
