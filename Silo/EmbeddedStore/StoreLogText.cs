using System.Text.RegularExpressions;

namespace Gristmill.Silo.EmbeddedStore;

/// <summary>Makes what Garnet writes for terminals readable in a message.</summary>
internal static partial class StoreLogText
{
    private const int KeptLines = 12;

    public static string Readable(string text) => string.Join('\n', Colours().Replace(text, "").Split('\n')
        .Select(line => line.TrimEnd())
        .Where(line => line.Any(char.IsLetterOrDigit))
        .TakeLast(KeptLines));

    /// <summary>ECMA-48 select graphic rendition: ESC [ … m.</summary>
    [GeneratedRegex("\u001b\\[[0-9;]*m")]
    private static partial Regex Colours();
}
