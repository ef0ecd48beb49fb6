using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Gristmill.Redis;

/// <summary>
/// One reply: a kind and either a number, bytes, or items. Immutable, 24 bytes, and its own owner: nothing in it belongs to
/// a pool, so it can be kept. Conversions that do not fit the kind throw <see cref="RedisProtocolException"/>.
/// </summary>
public readonly struct RedisReply
{
    private readonly object? _payload;
    private readonly long _number;

    private RedisReply(RedisReplyKind kind, object? payload, long number)
    {
        Kind = kind;
        _payload = payload;
        _number = number;
    }

    /// <summary>What the reply is.</summary>
    public RedisReplyKind Kind { get; }

    /// <summary>Whether the server sent a null. Also true for <c>default</c>.</summary>
    public bool IsNull => Kind == RedisReplyKind.Null;

    /// <summary>Whether the reply is an error inside an array; <see cref="ErrorCode"/> has its code word.</summary>
    public bool IsError => Kind == RedisReplyKind.Error;

    /// <summary>Whether <see cref="Items"/> can be read: array, map, set or push.</summary>
    public bool IsAggregate => _payload is RedisReply[];

    /// <summary>How many items there are; 0 for null and for what has none.</summary>
    public int Count => _payload is RedisReply[] items ? items.Length : 0;

    /// <summary>The item at an index, for use across awaits.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    public RedisReply this[int index] => Items[index];

    /// <summary>The items of an array, map (key, value, …), set or push; empty for null.</summary>
    public ReadOnlySpan<RedisReply> Items => Array();

    /// <summary>The items as a list that can be held across awaits and in fields.</summary>
    public IReadOnlyList<RedisReply> AsList() => Array();

    /// <summary>The bytes of a string of any kind or an error's text; empty for null.</summary>
    public ReadOnlyMemory<byte> Bytes => Kind == RedisReplyKind.Null ? default : Raw();

    /// <summary>The code word of an error inside an array; null for anything else.</summary>
    public string? ErrorCode => IsError ? RedisErrorCode.Of(AsString(), fromScript: true) : null;

    /// <summary>The integer, also where the server sent it as decimal digits in a string or as a boolean.</summary>
    /// <exception cref="RedisProtocolException">The reply is no integer of 64 bits.</exception>
    public long AsInteger()
    {
        switch (Kind)
        {
            case RedisReplyKind.Integer or RedisReplyKind.Boolean:
                return _number;
            case RedisReplyKind.SimpleString or RedisReplyKind.BulkString or RedisReplyKind.BigNumber:
                var raw = Raw();
                return Utf8Parser.TryParse(raw, out long value, out var used) && used == raw.Length
                    ? value
                    : throw Unfit("a 64-bit integer");
            default:
                throw Unfit("an integer");
        }
    }

    /// <summary>The number, also where the server sent it as decimal digits in a string.</summary>
    /// <exception cref="RedisProtocolException">The reply is no number.</exception>
    public double AsDouble() => Kind switch
    {
        RedisReplyKind.Double => BitConverter.Int64BitsToDouble(_number),
        RedisReplyKind.Integer => _number,
        RedisReplyKind.SimpleString or RedisReplyKind.BulkString => ParseDouble(Raw(), out var value) ? value : throw Unfit("a number"),
        _ => throw Unfit("a number"),
    };

    /// <summary>The boolean; an integer counts as false when 0, as RESP2 servers send it.</summary>
    /// <exception cref="RedisProtocolException">The reply is neither a boolean nor an integer.</exception>
    public bool AsBoolean() => Kind is RedisReplyKind.Boolean or RedisReplyKind.Integer ? _number != 0 : throw Unfit("a boolean");

    /// <summary>The text of a string or an error (UTF-8, what is not becomes U+FFFD), or of a number as the server would write it.</summary>
    /// <exception cref="RedisProtocolException">The reply is null or has items.</exception>
    public string AsString() => Kind switch
    {
        RedisReplyKind.Integer or RedisReplyKind.Boolean => _number.ToString(CultureInfo.InvariantCulture),
        RedisReplyKind.Double => BitConverter.Int64BitsToDouble(_number).ToString("R", CultureInfo.InvariantCulture),
        _ => Encoding.UTF8.GetString(Raw()),
    };

    /// <summary>As <see cref="AsString"/>, but null for a null reply.</summary>
    public string? AsStringOrNull() => IsNull ? null : AsString();

    /// <summary>For logs and the debugger: the kind and its size, never the content.</summary>
    public override string ToString() => _payload switch
    {
        RedisReply[] items => $"{Kind} of {items.Length}",
        byte[] bytes => $"{Kind} of {bytes.Length} bytes",
        _ => Kind.ToString(),
    };

    internal static RedisReply OfBytes(RedisReplyKind kind, byte[] bytes) => new(kind, bytes, 0);

    internal static RedisReply OfItems(RedisReplyKind kind, RedisReply[] items) => new(kind, items, 0);

    internal static RedisReply OfInteger(long value) => new(RedisReplyKind.Integer, null, value);

    internal static RedisReply OfBoolean(bool value) => new(RedisReplyKind.Boolean, null, value ? 1 : 0);

    internal static RedisReply OfDouble(double value) => new(RedisReplyKind.Double, null, BitConverter.DoubleToInt64Bits(value));

    /// <summary>The forms of RESP3 doubles: digits, an exponent, inf, -inf, nan.</summary>
    internal static bool ParseDouble(ReadOnlySpan<byte> text, out double value)
    {
        if (text.SequenceEqual("inf"u8) || text.SequenceEqual("+inf"u8))
        {
            value = double.PositiveInfinity;
            return true;
        }

        if (text.SequenceEqual("-inf"u8))
        {
            value = double.NegativeInfinity;
            return true;
        }

        if (text.SequenceEqual("nan"u8) || text.SequenceEqual("-nan"u8))
        {
            value = double.NaN;
            return true;
        }

        return Utf8Parser.TryParse(text, out value, out var used) && used == text.Length;
    }

    private byte[] Raw() => _payload as byte[] ?? throw Unfit("a string");

    private RedisReply[] Array() => _payload as RedisReply[] ?? (IsNull ? [] : throw Unfit("an array"));

    private RedisProtocolException Unfit(string wanted) => new($"The reply is {Kind}, not {wanted}.");
}
