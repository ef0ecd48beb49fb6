namespace Gristmill.Silo.Commands;

/// <summary>Names that are like one that was mistyped.</summary>
internal static class Suggestion
{
    private const int MaxDistance = 3;

    /// <summary>"Did you mean …?" with the nearest name; null when none is near.</summary>
    public static string? Of(string given, IEnumerable<string> known)
    {
        var best = known.Select(name => (Name: name, Distance: Distance(given, name))).OrderBy(c => c.Distance).ThenBy(c => c.Name, StringComparer.Ordinal).FirstOrDefault();
        return best.Name is not null && best.Distance <= Math.Min(MaxDistance, (given.Length + 1) / 2) ? $"Did you mean '{best.Name}'?" : null;
    }

    // Levenshtein: how many letters to insert, delete or replace.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(cost, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
