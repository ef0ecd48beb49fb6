using System.Text.RegularExpressions;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Structure;

/// <summary>The page of the doctor explains every finding that the code can make, and no other.</summary>
public sealed class FindingCodeTests
{
    [Fact]
    public void Page_of_the_doctor_has_a_row_for_every_finding()
    {
        var made = Directory.GetFiles(Repository.Path("Silo"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal))
            .Select(File.ReadAllText)
            .SelectMany(text => Regex.Matches(text, """new Finding\(\s*"([a-z_]+)"|const string \w+ = "(other_[a-z_]+)";""").Concat(Regex.Matches(text, """^\s+"([a-z_]+)", Finding\.""", RegexOptions.Multiline)))
            .Select(m => m.Groups[1].Value + m.Groups[2].Value).Distinct().Order(StringComparer.Ordinal).ToList();
        var rows = File.ReadAllLines(Repository.Path("docs/doctor.md")).Where(l => l.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(l => Regex.Matches(l.Split('|')[1], "`([a-z_]+)`").Select(m => m.Groups[1].Value)).Order(StringComparer.Ordinal);
        Assert.True(made.Count > 25, $"Found only {made.Count} findings.");
        Assert.Equal(made, rows);
    }
}
