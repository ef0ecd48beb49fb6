using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace Gristmill.Store.Payloads;

/// <summary>
/// Reads names and texts that anybody may have written. The reader's own methods throw at an escaped half of a surrogate
/// pair ("\ud800"), which is valid JSON and no Unicode, and at bytes that are no UTF-8. Here such a name is one that nobody
/// knows, such a text has U+FFFD in that place, and neither costs an exception.
/// </summary>
public static class JsonTexts
{
    /// <summary>Whether the member name or text at which the reader stands, unescaped, is this one.</summary>
    /// <param name="json">A reader over bytes in one piece.</param>
    /// <param name="expected">UTF-8.</param>
    public static bool TextIs(this ref Utf8JsonReader json, ReadOnlySpan<byte> expected)
    {
        var text = json.ValueSpan;
        if (!json.ValueIsEscaped) return text.SequenceEqual(expected);
        Span<byte> next = stackalloc byte[4];
        while (!text.IsEmpty)
        {
            if (Next(ref text, next) is not (> 0 and var length) || !expected.StartsWith(next[..length])) return false;
            expected = expected[length..];
        }

        return expected.IsEmpty;
    }

    /// <summary>The text at which the reader stands, with U+FFFD for what is no Unicode.</summary>
    /// <param name="json">A reader over bytes in one piece.</param>
    public static string ReadableText(this ref Utf8JsonReader json)
    {
        var text = json.ValueSpan;
        if (!json.ValueIsEscaped) return Encoding.UTF8.GetString(text);
        // An escape is longer than what it stands for, U+FFFD too.
        var whole = new byte[text.Length];
        var used = 0;
        while (!text.IsEmpty)
        {
            var length = Next(ref text, whole.AsSpan(used));
            used += length > 0 ? length : Rune.ReplacementChar.EncodeToUtf8(whole.AsSpan(used));
        }

        return Encoding.UTF8.GetString(whole.AsSpan(0, used));
    }

    // Takes a byte or an escape, which the reader has found well-formed, off the text; 0 for half of a surrogate pair.
    private static int Next(ref ReadOnlySpan<byte> text, scoped Span<byte> into)
    {
        if (text[0] != (byte)'\\')
        {
            into[0] = text[0];
            text = text[1..];
            return 1;
        }

        if (text[1] != (byte)'u')
        {
            into[0] = text[1] switch { (byte)'b' => (byte)'\b', (byte)'f' => (byte)'\f', (byte)'n' => (byte)'\n', (byte)'r' => (byte)'\r', (byte)'t' => (byte)'\t', var itself => itself };
            text = text[2..];
            return 1;
        }

        var unit = Unit(text);
        text = text[6..];
        if (Rune.TryCreate(unit, out var rune)) return rune.EncodeToUtf8(into);
        if (!text.StartsWith("\\u"u8) || !Rune.TryCreate(unit, Unit(text), out rune)) return 0;
        text = text[6..];
        return rune.EncodeToUtf8(into);
    }

    private static char Unit(ReadOnlySpan<byte> escape) => Utf8Parser.TryParse(escape.Slice(2, 4), out ushort unit, out _, 'x') ? (char)unit : '\uFFFD';
}
