using System.Text;
using Gristmill.Grains.Workers;

namespace Gristmill.Grains.Tests.Workers;

public sealed class LineReaderTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1000)]
    public void Lines_are_the_same_however_the_pipe_splits_them(int chunk)
    {
        var (lines, end, unfinished) = Read("one\r\n\nthree, longer\n" + new string('x', 60) + "\nhalf", chunk, 64);
        Assert.Equal(["one", "", "three, longer", new string('x', 60)], lines);
        Assert.Equal((LineReaderEnd.EndOfStream, 4), (end, unfinished));
    }

    [Theory]
    [InlineData(63, nameof(LineReaderEnd.EndOfStream))]
    [InlineData(64, nameof(LineReaderEnd.LineTooLong))]
    public void Line_past_the_bound_ends_reading(int length, string expected) =>
        Assert.Equal(Enum.Parse<LineReaderEnd>(expected), Read(new string('x', length) + "\n", 7, 64).End);

    [Fact]
    public void Log_line_past_the_bound_is_cut_and_reading_goes_on()
    {
        var (lines, end, _) = Read("10%\r20%\r" + new string('x', 1000) + "\nnext\n", 7, 64, forLogs: true);
        Assert.Equal(["10%", "20%", new string('x', 64), "next"], lines);
        Assert.Equal(LineReaderEnd.EndOfStream, end);
    }

    [Fact]
    public void Reader_that_is_told_to_stop_stops()
    {
        var reader = new LineReader(new MemoryStream("a\nb\n"u8.ToArray()), 64);
        var lines = 0;
        Assert.Equal(LineReaderEnd.Stopped, reader.Run(_ => ++lines < 1));
        Assert.Equal(1, lines);
    }

    private static (List<string> Lines, LineReaderEnd End, int Unfinished) Read(string text, int chunk, int max, bool forLogs = false)
    {
        List<string> lines = [];
        var reader = new LineReader(new Chunks(Encoding.UTF8.GetBytes(text), chunk), max, forLogs);
        var end = reader.Run(line =>
        {
            lines.Add(Encoding.UTF8.GetString(line));
            return true;
        });
        return (lines, end, reader.Unfinished);
    }

    /// <summary>Gives no more than so many bytes at a time.</summary>
    private sealed class Chunks(byte[] bytes, int chunk) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, chunk));
    }
}
