using System.Buffers.Text;
using System.Text;

namespace Gristmill.Store;

/// <summary>An entry of the outbox: the length of the list's name in bytes, a space, the name, and the message.</summary>
internal static class OutboxEntry
{
    public static byte[] Encode(OutboxMessage message)
    {
        var name = Encoding.UTF8.GetBytes(message.List);
        var length = Encoding.ASCII.GetBytes(name.Length.ToString(System.Globalization.CultureInfo.InvariantCulture) + " ");
        return [.. length, .. name, .. message.Message.Span];
    }

    public static OutboxMessage Decode(ReadOnlyMemory<byte> entry)
    {
        if (!Utf8Parser.TryParse(entry.Span, out int length, out var used) || length < 0 || used + 1 + length > entry.Length)
        {
            throw new FormatException("An outbox entry begins with the length of the list's name.");
        }

        var name = entry.Slice(used + 1, length);
        return new OutboxMessage(Encoding.UTF8.GetString(name.Span), entry[(used + 1 + length)..]);
    }
}
