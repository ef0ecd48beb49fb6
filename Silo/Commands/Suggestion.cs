using Gristmill.Silo.Configuration;

namespace Gristmill.Silo.Commands;

/// <summary>A name that is like one that was mistyped, as a sentence.</summary>
internal static class Suggestion
{
    /// <summary>"Did you mean …?" with the nearest name; null when none is near.</summary>
    public static string? Of(string given, IEnumerable<string> known) => NearestName.Of(given, known) is { } nearest ? $"Did you mean '{nearest}'?" : null;
}
