namespace Gristmill.Silo.Configuration;

/// <summary>
/// What someone may have meant: the name with the fewest edits, if that is near enough. An edit is a letter inserted,
/// deleted or replaced, or two neighbours swapped (optimal string alignment).
/// </summary>
internal static class NearestName
{
    public static string? Of(string given, IEnumerable<string> known) => known
        .Select(name => (Name: name, Edits: Distance(given.ToUpperInvariant(), name.ToUpperInvariant())))
        .Where(n => n.Edits <= Tolerated(Math.Max(given.Length, n.Name.Length)))
        .OrderBy(n => n.Edits).ThenBy(n => n.Name, StringComparer.Ordinal)
        .Select(n => n.Name).FirstOrDefault();

    /// <summary>More is likely another word, unless the word is long.</summary>
    private static int Tolerated(int length) => length <= 3 ? 1 : Math.Max(2, length / 3);

    /// <summary>Edits between two texts; of long ones only the first 64 characters count.</summary>
    internal static int Distance(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        const int longest = 64;
        a = a[..Math.Min(a.Length, longest)];
        b = b[..Math.Min(b.Length, longest)];
        Span<int> before = stackalloc int[longest + 1];
        Span<int> last = stackalloc int[longest + 1];
        Span<int> row = stackalloc int[longest + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                row[j] = Math.Min(last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), Math.Min(last[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
                }
            }

            last.CopyTo(before);
            row.CopyTo(last);
        }

        return last[b.Length];
    }
}
