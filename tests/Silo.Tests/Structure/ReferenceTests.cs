using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace Gristmill.Silo.Tests.Structure;

/// <summary>References run one way, as docs/design.md draws the house.</summary>
public sealed class ReferenceTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Redis"] = [],
        ["Store"] = ["Redis"],
        ["Client"] = ["Store"],
        ["Engine"] = ["Redis"],
        ["Grains.Interfaces"] = ["Store", "Engine"],
        ["Grains"] = ["Grains.Interfaces"],
        ["Silo"] = ["Grains", "Client", "Speech"],
    };

    private static readonly string Root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", ".."));

    public static IEnumerable<TheoryDataRow<string>> Projects() => Allowed.Keys.Select(p => new TheoryDataRow<string>(p));

    [Theory, MemberData(nameof(Projects))]
    public void Project_references_onlyWhatTheHouseAllows(string project)
    {
        var file = Path.Combine(Root, project, $"{project}.csproj");
        var references = XDocument.Load(file).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')))
            .ToArray();

        Assert.Empty(references.Except(Allowed[project]));
    }

    [Fact]
    public void GrainSources_nameNoEngine()
    {
        string[] folders = ["Grains", "Grains.Interfaces"];
        var naming = folders
            .SelectMany(f => Directory.EnumerateFiles(Path.Combine(Root, f), "*.cs", SearchOption.AllDirectories))
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal))
            .Where(f => File.ReadLines(f).Any(l => l.Contains("Gristmill.Engine", StringComparison.Ordinal) || l.TrimStart().StartsWith("#if", StringComparison.Ordinal)))
            .Select(f => Path.GetRelativePath(Root, f));

        Assert.Empty(naming);
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
