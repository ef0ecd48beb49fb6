using static Gristmill.Samples.Speech.Tests.Signals;

namespace Gristmill.Samples.Speech.Tests;

public sealed class WavFileTests
{
    private static readonly byte[] SomeData = Chunk("data", Pcm(1, 2, 3, 4));

    [Fact]
    public void Read_mono_scales_full_scale_to_one()
    {
        using var file = Riff(Chunk("fmt ", Format()), Chunk("data", Pcm(-32768, 0, 16384, 32767)));

        var clip = WavFile.Read(file);

        Assert.Equal([-1f, 0f, 0.5f, 32767 / 32768f], clip.Channels[0]);
        Assert.Equal(8_000, clip.SampleRate);
    }

    [Fact]
    public void Read_stereo_parts_the_channels()
    {
        using var file = Riff(Chunk("fmt ", Format(48_000, channels: 2)), Chunk("data", Pcm(16384, -16384, 8192, -8192)));

        var clip = WavFile.Read(file);

        Assert.Equal([0.5f, 0.25f], clip.Channels[0]);
        Assert.Equal([-0.5f, -0.25f], clip.Channels[1]);
        Assert.Equal([0f, 0f], clip.ToMono());
    }

    [Fact]
    public void Read_chunks_in_any_order_with_odd_and_unknown_ones_between()
    {
        using var file = Riff(Chunk("LIST", [1, 2, 3]), SomeData, Chunk("junk", []), Chunk("fmt ", Format()));

        Assert.Equal(4, WavFile.Read(file).Frames);
    }

    [Fact]
    public void Read_extensible_pcm_is_pcm()
    {
        using var file = Riff(Chunk("fmt ", Extensible(channels: 2)), SomeData);

        Assert.Equal(new WavFormat(8_000, 2, 2), WavFile.ReadFormat(file));
    }

    [Fact]
    public void Read_ranges_that_meet_give_each_frame_once()
    {
        short[] samples = [.. Enumerable.Range(0, 20_000).Select(i => (short)i)];
        using var file = Riff(Chunk("fmt ", Format(11_025)), Chunk("data", Pcm(samples)));
        double[] cuts = [0, 0.1, 0.33333, 1.00007, 1.5, 99];

        var clips = cuts.Zip(cuts.Skip(1), (start, end) => WavFile.Read(file, start, end)).ToArray();

        Assert.Equal(WavFile.Read(file).Channels[0], clips.SelectMany(c => c.Channels[0]));
        Assert.All(clips.Zip(cuts), pair => Assert.Equal(pair.Second, pair.First.Start, 1.0 / 11_025));
    }

    [Fact]
    public void Read_range_of_a_large_file_reads_no_more_than_the_range()
    {
        using var file = new CountingStream(Riff(Chunk("fmt ", Format()), Chunk("data", new byte[8_000_000])));

        var clip = WavFile.Read(file, 100, 100.5);

        Assert.Equal(4_000, clip.Frames);
        Assert.InRange(file.BytesRead, 8_000, 8_200);
    }

    [Theory]
    [InlineData(-0.1, 1, "start")]
    [InlineData(double.NaN, 1, "start")]
    [InlineData(1.1, 2, "start")]
    [InlineData(0.5, 0.4, "end")]
    [InlineData(0, double.NaN, "end")]
    public void Read_range_outside_the_recording_is_refused_by_name(double start, double end, string name)
    {
        using var file = Riff(Chunk("fmt ", Format()), Chunk("data", new byte[16_000]));

        Assert.Equal(name, Assert.Throws<ArgumentOutOfRangeException>(() => WavFile.Read(file, start, end)).ParamName);
    }

    [Fact]
    public void Read_range_over_the_bound_is_refused_before_memory_is_taken()
    {
        const int dataBytes = 2 * (WavFile.MaxFramesPerRead + 1);
        byte[] head = [.. "WAVE"u8, .. Chunk("fmt ", Format()), .. Chunk("data", [], size: dataBytes)];
        using var file = new FileStream(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.None, 4_096, FileOptions.DeleteOnClose);
        file.Write(Chunk("RIFF", head, size: (uint)(head.Length + dataBytes)));
        file.SetLength(file.Length + dataBytes); // a hole, not bytes

        var refusal = Assert.Throws<ArgumentOutOfRangeException>(() => WavFile.Read(file));

        Assert.Contains($"at most {WavFile.MaxFramesPerRead}", refusal.Message);
        Assert.Equal(WavFile.MaxFramesPerRead, WavFile.Read(file, 0, WavFile.MaxFramesPerRead / 8_000.0).Frames);
    }

    public static TheoryData<string, string> HostileFiles => new()
    {
        { "empty", "file length is 0; a WAV file has at least 12 bytes" },
        { "not riff", "file id is 'RI?F'; it must be 'RIFF'" },
        { "not wave", "RIFF form is 'AVI '; it must be 'WAVE'" },
        { "riff size", "RIFF size is 4294967295; it must be from 4 to the" },
        { "no fmt", "'fmt ' chunk is missing" },
        { "no data", "'data' chunk is missing" },
        { "two fmt", "'fmt ' chunk is there twice" },
        { "short fmt", "'fmt ' size is 15; it must be at least 16" },
        { "data size", "'data' size is 4294967295; at most 8 bytes are left" },
        { "odd data", "data size is 6; it must be a multiple of the frame's 4 bytes" },
        { "mu-law", "format tag is 0x0007; it must be 0x0001 (PCM)" },
        { "no channel", "channels is 0; it must be 1 or 2" },
        { "many channels", "channels is 6; it must be 1 or 2" },
        { "slow", "sample rate is 7999; it must be from 8000 to 48000 Hz" },
        { "fast", "sample rate is 48001; it must be from 8000 to 48000 Hz" },
        { "negative rate", "sample rate is 4294967295; it must be from 8000" },
        { "24 bits", "bits per sample is 24; it must be 16" },
        { "block align", "block align is 0; it must be 2" },
        { "byte rate", "byte rate is 1; it must be 16000" },
        { "short extension", "'fmt ' size is 16; an extensible format has at least 40" },
        { "valid bits", "valid bits per sample is 12; it must be 16" },
        { "float", "subformat is 00000003-0000-0010-8000-00aa00389b71; it must be PCM" },
        { "many chunks", "chunk count is over 1000" },
    };

    [Theory]
    [MemberData(nameof(HostileFiles))]
    public void Read_hostile_file_is_refused_with_field_and_bound(string file, string expected)
    {
        using var stream = Hostile(file);

        Assert.StartsWith(expected, Assert.Throws<InvalidDataException>(() => WavFile.Read(stream)).Message);
    }

    [Fact]
    public void Read_file_cut_at_any_byte_or_with_any_header_byte_changed_is_read_or_refused()
    {
        var whole = Riff(Chunk("LIST", [1, 2, 3]), Chunk("fmt ", Extensible()), SomeData).ToArray();
        for (var length = 0; length < whole.Length; length++)
            Assert.Throws<InvalidDataException>(() => WavFile.Read(new MemoryStream(whole[..length])));
        var refused = 0;
        foreach (byte value in new byte[] { 0, 1, 0x7F, 0x80, 0xFF })
        {
            for (var at = 0; at < whole.Length - 8; at++)
            {
                byte[] changed = [.. whole];
                changed[at] = value;
                if (Record.Exception(() => WavFile.Read(new MemoryStream(changed))) is { } e)
                {
                    Assert.IsType<InvalidDataException>(e);
                    refused++;
                }
            }
        }
        Assert.True(refused > 100, $"only {refused} changes were refused");
    }

    private static MemoryStream Hostile(string file) => file switch
    {
        "empty" => new MemoryStream(),
        "not riff" => new MemoryStream([.. "RI"u8, 0, .. "F"u8, .. new byte[8]]),
        "not wave" => new MemoryStream(Chunk("RIFF", [.. "AVI "u8])),
        "riff size" => new MemoryStream(Chunk("RIFF", [.. "WAVE"u8], size: uint.MaxValue)),
        "no fmt" => Riff(SomeData),
        "no data" => Riff(Chunk("fmt ", Format())),
        "two fmt" => Riff(Chunk("fmt ", Format()), Chunk("fmt ", Format()), SomeData),
        "short fmt" => Riff(Chunk("fmt ", Format()[..15]), SomeData),
        "data size" => Riff(Chunk("fmt ", Format()), Chunk("data", Pcm(1, 2, 3, 4), size: uint.MaxValue)),
        "odd data" => WithFormat(Format(channels: 2), Pcm(1, 2, 3)),
        "mu-law" => WithFormat(Format(tag: 7)),
        "no channel" => WithFormat(Format(channels: 0)),
        "many channels" => WithFormat(Format(channels: 6)),
        "slow" => WithFormat(Format(7_999)),
        "fast" => WithFormat(Format(48_001)),
        "negative rate" => WithFormat(Format(-1)),
        "24 bits" => WithFormat(Format(bits: 24)),
        "block align" => WithFormat(Format(frameBytes: 0)),
        "byte rate" => WithFormat(Format(bytesPerSecond: 1)),
        "short extension" => WithFormat(Format(tag: 0xFFFE)),
        "valid bits" => WithFormat(Extensible(validBits: 12)),
        "float" => WithFormat(Extensible(subformat: "00000003-0000-0010-8000-00aa00389b71")),
        "many chunks" => Riff([.. Enumerable.Repeat(Chunk("junk", []), WavHeader.MaxChunks), Chunk("fmt ", Format()), SomeData]),
        _ => throw new ArgumentOutOfRangeException(nameof(file), file, "No such file."),
    };

    private static MemoryStream WithFormat(byte[] format, byte[]? data = null) =>
        Riff(Chunk("fmt ", format), data is null ? SomeData : Chunk("data", data));

    private sealed class CountingStream(MemoryStream inner) : Stream
    {
        public long BytesRead { get; private set; }
        public override bool CanRead => true;
        public override bool CanSeek => true;
        public override bool CanWrite => false;
        public override long Length => inner.Length;
        public override long Position { get => inner.Position; set => inner.Position = value; }
        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public override int Read(Span<byte> buffer)
        {
            var read = inner.Read(buffer);
            BytesRead += read;
            return read;
        }
        public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Flush() { }
    }
}
