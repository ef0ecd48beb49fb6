namespace Gristmill.Redis;

/// <summary>The kinds of reply in RESP2 and RESP3 (https://redis.io/docs/latest/develop/reference/protocol-spec/).</summary>
public enum RedisReplyKind : byte
{
    /// <summary>Null: <c>_</c>, <c>$-1</c> or <c>*-1</c>.</summary>
    Null = 0,

    /// <summary>A status such as OK: <c>+</c>.</summary>
    SimpleString,

    /// <summary>An error inside an array, as a value: <c>-</c> or <c>!</c>. At the top it becomes an exception.</summary>
    Error,

    /// <summary>A 64-bit integer: <c>:</c>.</summary>
    Integer,

    /// <summary>Bytes: <c>$</c>.</summary>
    BulkString,

    /// <summary>A list of replies: <c>*</c>.</summary>
    Array,

    /// <summary>A map: <c>%</c>. Items are key, value, key, value, as RESP2 sends them in an array.</summary>
    Map,

    /// <summary>A set: <c>~</c>.</summary>
    Set,

    /// <summary>A floating point number: <c>,</c>.</summary>
    Double,

    /// <summary>True or false: <c>#</c>.</summary>
    Boolean,

    /// <summary>An integer of any size, as its digits: <c>(</c>.</summary>
    BigNumber,

    /// <summary>Text with a three-letter format before it, which is cut off: <c>=</c>.</summary>
    VerbatimString,

    /// <summary>Out-of-band data such as a published message: <c>></c>.</summary>
    Push,
}
