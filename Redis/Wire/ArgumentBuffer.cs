using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Gristmill.Redis;

/// <summary>
/// Arguments in wire form (<c>$len CRLF bytes CRLF</c> …) in one pooled array, encoded once when they are added. What comes
/// before them (the count, EVALSHA or EVAL) is written when the command goes out, so the same bytes serve a second sending.
/// One owner at a time: the builder, then the pipeline, which gives the array back.
/// </summary>
internal sealed class ArgumentBuffer
{
    /// <summary>"$" + ten digits + CRLF before the bytes, CRLF behind them.</summary>
    private const int Overhead = 15;
    private const int InitialBytes = 256;
    private byte[]? _bytes = ArrayPool<byte>.Shared.Rent(InitialBytes);

    /// <summary>How many arguments there are.</summary>
    public int Count { get; private set; }

    /// <summary>How many bytes they take on the wire.</summary>
    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => Live().AsSpan(0, Length);

    public void Add(ReadOnlySpan<byte> value)
    {
        var target = Reserve(value.Length);
        var at = Prefix(target, value.Length);
        value.CopyTo(target[at..]);
        Finish(target, at + value.Length);
    }

    public void Add(ReadOnlySpan<char> value)
    {
        var size = Encoding.UTF8.GetByteCount(value);
        var target = Reserve(size);
        var at = Prefix(target, size);
        at += Encoding.UTF8.GetBytes(value, target[at..]);
        Finish(target, at);
    }

    public void Add(long value)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, digits, out var size);
        Add(digits[..size]);
    }

    public void Add(double value)
    {
        Span<byte> digits = stackalloc byte[32];
        value.TryFormat(digits, out var size, "R", System.Globalization.CultureInfo.InvariantCulture);
        Add(digits[..size]);
    }

    public void Release()
    {
        if (_bytes is { } bytes)
        {
            _bytes = null;
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private byte[] Live() => _bytes ?? throw new InvalidOperationException("A command is sent once; build another.");

    private Span<byte> Reserve(int size)
    {
        var bytes = Live();
        var needed = checked(Length + size + Overhead);
        if (needed > bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, Math.Max((long)needed, 2L * bytes.Length)));
            bytes.AsSpan(0, Length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(bytes);
            _bytes = bytes = larger;
        }

        return bytes.AsSpan(Length);
    }

    private static int Prefix(Span<byte> target, int size)
    {
        target[0] = (byte)'$';
        Utf8Formatter.TryFormat(size, target[1..], out var digits);
        target[digits + 1] = (byte)'\r';
        target[digits + 2] = (byte)'\n';
        return digits + 3;
    }

    private void Finish(Span<byte> target, int end)
    {
        target[end] = (byte)'\r';
        target[end + 1] = (byte)'\n';
        Length += end + 2;
        Count++;
    }
}
