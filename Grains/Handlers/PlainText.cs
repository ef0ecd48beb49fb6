namespace Gristmill.Grains.Handlers;

/// <summary>Texts of strangers, safe for a terminal and for a line of a log: what jobs and workers bring must steer neither.</summary>
internal static class PlainText
{
    /// <summary>The text with control characters but line ends and tabs replaced.</summary>
    public static string Of(string? text)
    {
        if (text is null) return string.Empty;
        return text.Any(IsUnsafe) ? string.Create(text.Length, text, static (to, from) =>
        {
            for (var i = 0; i < from.Length; i++) to[i] = IsUnsafe(from[i]) ? '\uFFFD' : from[i];
        }) : text;
    }

    /// <summary>The same on one line.</summary>
    public static string OneLine(string? text) => Of((text ?? string.Empty).ReplaceLineEndings(" "));

    // Also what turns the direction of writing: it can show a line in another order than it is.
    private static bool IsUnsafe(char c) => (char.IsControl(c) && c is not ('\n' or '\t')) || c is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
