namespace Gristmill.Silo.Configuration;

/// <summary>What someone may have meant: the name with the fewest edits (Levenshtein), if that is near enough.</summary>
internal static class NearestName
{
    public static string? Of(string given, IEnumerable<string> known) => known
        .Select(name => (Name: name, Edits: Distance(given.ToUpperInvariant(), name.ToUpperInvariant())))
        .Where(n => n.Edits <= Tolerated(Math.Max(given.Length, n.Name.Length)))
        .OrderBy(n => n.Edits).ThenBy(n => n.Name, StringComparer.Ordinal)
        .Select(n => n.Name).FirstOrDefault();

    /// <summary>Two swapped letters are two edits; more is likely another word, unless the word is long.</summary>
    private static int Tolerated(int length) => length <= 3 ? 1 : Math.Max(2, length / 3);

    /// <summary>Insertions, deletions and replacements between two texts; of long ones only the first 64 characters count.</summary>
    internal static int Distance(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        const int longest = 64;
        a = a[..Math.Min(a.Length, longest)];
        b = b[..Math.Min(b.Length, longest)];
        Span<int> row = stackalloc int[longest + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            row[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
