namespace Gristmill.Silo.Findings;

/// <summary>Reads INFO: lines of name:value, between headings.</summary>
internal static class ServerFacts
{
    public static IReadOnlyDictionary<string, string> Parse(string info)
    {
        var facts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in info.Split('\n'))
        {
            var at = line.IndexOf(':', StringComparison.Ordinal);
            if (at > 0) facts[line[..at]] = line[(at + 1)..].TrimEnd('\r');
        }

        return facts;
    }
}
