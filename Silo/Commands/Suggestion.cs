using Gristmill.Silo.Configuration;

namespace Gristmill.Silo.Commands;

/// <summary>A name that is like one that was mistyped, or begins like it, as a sentence.</summary>
internal static class Suggestion
{
    // Fewer characters begin too much.
    private const int ShortestBeginning = 2;
    private const int ShortestBeginningOfId = 3;

    /// <summary>"Did you mean …?" with the nearest name; null when none is near.</summary>
    public static string? Of(string given, IEnumerable<string> known)
    {
        var names = known.ToList();
        return Sentence(NearestName.Of(given, names) ?? Beginning(given, names, ShortestBeginning));
    }

    /// <summary>The same of ids. One with other digits is no slip but another job: the next number is as near as can be.</summary>
    public static string? OfId(string given, IEnumerable<string> known)
    {
        var ids = known.ToList();
        return Sentence(Beginning(given, ids, ShortestBeginningOfId) ?? NearestName.Of(given, ids.Where(id => Digits(id) == Digits(given))));
    }

    private static string? Sentence(string? name) => name is null ? null : $"Did you mean '{name}'?";

    private static string? Beginning(string given, IReadOnlyList<string> known, int shortest)
    {
        if (given.Length < shortest) return null;
        var all = known.Where(name => name.StartsWith(given, StringComparison.OrdinalIgnoreCase)).Take(2).ToList();
        return all.Count == 1 ? all[0] : null;
    }

    private static string Digits(string id) => string.Concat(id.Where(char.IsAsciiDigit));
}
