using System.Buffers;
using System.Buffers.Text;

namespace Gristmill.Redis;

/// <summary>Writes what comes before the arguments of a command, and the arguments behind it.</summary>
internal static class RespWriter
{
    /// <summary>A plain command: <c>*count</c> and its arguments, the name among them.</summary>
    public static void Command(ArrayBufferWriter<byte> output, ArgumentBuffer arguments)
    {
        Header(output, (byte)'*', arguments.Count);
        output.Write(arguments.Written);
    }

    /// <summary>A script call, by hash or with its body; keys and arguments are the same bytes in both.</summary>
    public static void Script(ArrayBufferWriter<byte> output, RedisScript script, int keys, ArgumentBuffer arguments, bool withBody)
    {
        Header(output, (byte)'*', arguments.Count + 3);
        output.Write(withBody ? "$4\r\nEVAL\r\n"u8 : "$7\r\nEVALSHA\r\n"u8);
        Bulk(output, withBody ? script.BodyBytes : script.Sha1Bytes);
        Span<byte> digits = stackalloc byte[10];
        Utf8Formatter.TryFormat(keys, digits, out var size);
        Bulk(output, digits[..size]);
        output.Write(arguments.Written);
    }

    private static void Bulk(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> value)
    {
        Header(output, (byte)'$', value.Length);
        output.Write(value);
        output.Write("\r\n"u8);
    }

    private static void Header(ArrayBufferWriter<byte> output, byte kind, int value)
    {
        var target = output.GetSpan(16);
        target[0] = kind;
        Utf8Formatter.TryFormat(value, target[1..], out var size);
        target[size + 1] = (byte)'\r';
        target[size + 2] = (byte)'\n';
        output.Advance(size + 3);
    }
}
