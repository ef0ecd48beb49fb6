using System.Text.RegularExpressions;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Structure;

public sealed class StatesTests
{
    [Fact]
    public void Page_of_states_shows_the_same_steps_as_the_code()
    {
        var rows = File.ReadAllLines(Repository.Path("docs/states.md"))
            .Select(l => Regex.Match(l, @"^\| `([a-z]+)` \| `([a-z]+)` \| (.+) \|$"))
            .Where(m => m.Success)
            .ToList();
        var shown = rows.Select(m => $"{m.Groups[1].Value} → {m.Groups[2].Value}").Order(StringComparer.Ordinal).ToList();
        var known = Enum.GetValues<JobState>().SelectMany(from => JobStates.After(from).Select(to => $"{JobStates.Name(from)} → {JobStates.Name(to)}"));

        Assert.Equal(known.Order(StringComparer.Ordinal), shown);
        foreach (Match script in rows.SelectMany(m => Regex.Matches(m.Groups[3].Value, "`([a-z]+)`"))) Assert.Contains(script.Groups[1].Value, StoreScript.All);
    }

    [Fact]
    public void Every_state_has_a_name_that_leads_back_to_it()
    {
        foreach (var state in Enum.GetValues<JobState>())
        {
            Assert.True(JobStates.TryParse(JobStates.Name(state), out var back));
            Assert.Equal(state, back);
            Assert.Equal(JobStates.IsFinal(state), JobStates.After(state) is [JobState.Queued] && state is not JobState.Scheduled and not JobState.Retrying);
        }

        Assert.False(JobStates.TryParse("unknown", out _));
        Assert.False(JobStates.TryParse(null, out _));
    }
}
