namespace Gristmill.Grains.Handlers;

/// <summary>Cuts texts of strangers to a bound, marks the cut, and never splits a surrogate pair.</summary>
internal static class BoundedText
{
    private const char Ellipsis = '…';

    public static string Head(string text, int maxChars)
    {
        if (text.Length <= maxChars)
        {
            return text;
        }

        var end = maxChars - 1;
        if (char.IsHighSurrogate(text[end - 1]))
        {
            end--;
        }

        return string.Concat(text.AsSpan(0, end), [Ellipsis]);
    }

    public static string Tail(string text, int maxChars)
    {
        if (text.Length <= maxChars)
        {
            return text;
        }

        var start = text.Length - maxChars + 1;
        if (char.IsLowSurrogate(text[start]))
        {
            start++;
        }

        return string.Concat([Ellipsis], text.AsSpan(start));
    }
}
