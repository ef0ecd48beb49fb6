namespace Gristmill.Engine.Tests.Surface;

public sealed partial class OrleansSurfaceTests
{
    [Fact]
    public void Every_line_of_the_list_is_declared_by_Orleans()
    {
        var assemblies = new[] { typeof(Grain), typeof(IStorage), typeof(GenerateSerializerAttribute), typeof(PersistentStateAttribute), typeof(InconsistentStateException) }.Select(t => t.Assembly).Distinct();
        var declared = assemblies.SelectMany(a => a.GetExportedTypes())
            .Where(t => t.Namespace?.StartsWith("Orleans", StringComparison.Ordinal) == true)
            .ToLookup(Kind, SurfaceOf);
        var missing = new List<string>();
        var (type, members) = ("", new HashSet<string>());
        foreach (var line in Listed())
        {
            if (line[0] != ' ')
            {
                type = KindOf(line);
                members = [.. declared[type].SelectMany(s => s)];
                if (members.Count == 0) missing.Add(line);
            }
            else if (!members.Contains(line))
            {
                missing.Add($"{type}: {line.Trim()}");
            }
        }

        Assert.Equal("", string.Join('\n', missing));
    }

    // Kind and name; what Orleans derives its types from, and where attributes may stand, is its own matter.
    private static string Kind(Type type) => KindOf(Head(type));

    private static string KindOf(string head) => head.Split(" : ")[0].Split(" on ")[0];
}
