using System.Text.RegularExpressions;
using Gristmill.Client;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Structure;

/// <summary>The words for why a job is dead are the same in the client, on the page of states and in the scripts.</summary>
public sealed class DeadReasonTests
{
    [Fact]
    public void Page_of_states_names_every_reason()
    {
        var rows = File.ReadAllLines(Repository.Path("docs/states.md")).SkipWhile(l => l != "## Why a job is dead").Skip(1).TakeWhile(l => !l.StartsWith("## ", StringComparison.Ordinal))
            .Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Select(l => l.Split('|')[1].Trim()).Where(w => w is not ("reason" or "---"));
        Assert.Equal(DeadReasons.All, rows);
    }

    [Fact]
    public void Every_reason_that_a_script_gives_is_known()
    {
        var given = Directory.GetFiles(Repository.Path("Store/Scripts")).SelectMany(f => Regex.Matches(File.ReadAllText(f), """bury\(.*, '([a-z_]+)',|"why":"([a-z_]+)"|'d', now, '([a-z_]+)'"""))
            .Select(m => m.Groups[1].Value + m.Groups[2].Value + m.Groups[3].Value).Distinct().ToList();

        Assert.Equal(["dependency_failed", "lost_worker", "too_large", "too_many_dependents"], given.Order(StringComparer.Ordinal));
        Assert.Subset(DeadReasons.All.ToHashSet(), given.ToHashSet());
    }
}
