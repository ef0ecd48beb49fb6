using System.Text;

namespace Gristmill.Redis;

/// <summary>What a subscription delivers.</summary>
public enum RedisMessageKind : byte
{
    /// <summary>A published message.</summary>
    Message,

    /// <summary>Messages may be missing here, after a lost connection or a full buffer: read the state anew.</summary>
    Gap,
}

/// <summary>One delivery of a subscription.</summary>
/// <param name="Kind">A message, or word of a gap.</param>
/// <param name="Channel">The channel.</param>
/// <param name="Payload">The bytes that were published; empty for a gap.</param>
public readonly record struct RedisMessage(RedisMessageKind Kind, string Channel, ReadOnlyMemory<byte> Payload)
{
    /// <summary>The payload as UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString(Payload.Span);

    /// <summary>Kind, channel and size, never the content.</summary>
    public override string ToString() => $"{Kind} on {Channel}, {Payload.Length} bytes";
}
