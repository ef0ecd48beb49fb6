using System.Reflection;
using System.Text.RegularExpressions;

namespace Gristmill.Engine.Tests.State;

/// <summary>Each script says in its header what its body uses.</summary>
public sealed partial class ScriptTests
{
    public static IEnumerable<object[]> Scripts() => Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Where(name => name.StartsWith("Scripts.", StringComparison.Ordinal)).Select(name => new object[] { name });

    [Theory, MemberData(nameof(Scripts))]
    public void Header_names_the_script_its_keys_its_arguments_and_its_reply(string resource)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!);
        var text = reader.ReadToEnd();
        var header = string.Join('\n', text.Split('\n').TakeWhile(line => line.StartsWith("--", StringComparison.Ordinal)));
        Assert.StartsWith($"-- {resource["Scripts.".Length..^".lua".Length]}: ", header);
        Assert.Equal(Uses().Matches(text[header.Length..]).Select(m => m.Value).Distinct().Order(), Uses().Matches(header).Select(m => m.Value).Order());
        Assert.Contains("\n-- Reply: ", header);
        Assert.Contains("\n-- Event: ", header);
    }

    [Fact]
    public void Scripts_of_the_engine_are_those_in_the_folder() => Assert.Equal(
        Scripts().Select(s => (string)s[0]).Order(),
        EngineScripts.All.Select(s => $"Scripts.{s.Name}.lua").Order());

    [GeneratedRegex(@"(KEYS|ARGV)\[\d+\]")]
    private static partial Regex Uses();
}
