using System.Diagnostics;
using Gristmill.Silo.Tests.Faults.Support;

namespace Gristmill.Silo.Tests.Faults;

/// <summary>A silo that dies before it sends a step of the store; the next one finishes everything.</summary>
public sealed class KillBeforeStepTests
{
    public static IEnumerable<TheoryDataRow<string, int>> Steps() => KillAtFailpoint.Steps();

    [Theory, MemberData(nameof(Steps))]
    public Task Silo_that_dies_before_a_step_loses_nothing(string verb, int count) => KillAtFailpoint.HoldsAsync($"{verb}:before:{count}");
}

/// <summary>A silo that dies when the reply to a step of the store has come; the next one finishes everything.</summary>
public sealed class KillAfterStepTests
{
    public static IEnumerable<TheoryDataRow<string, int>> Steps() => KillAtFailpoint.Steps();

    [Theory, MemberData(nameof(Steps))]
    public Task Silo_that_dies_after_a_step_loses_nothing(string verb, int count) => KillAtFailpoint.HoldsAsync($"{verb}:after:{count}");
}

/// <summary>Load, death at the failpoint, restart, check.</summary>
internal static class KillAtFailpoint
{
    private static int Jobs => FaultBench.Long ? 20_000 : 2_000;

    // For 2,000 jobs; what more jobs take is work, not recovery.
    private static readonly TimeSpan Recovery = TimeSpan.FromSeconds(15 * FaultBench.Slowness * Jobs / 2000);

    /// <summary>Each step, and the how-manieth of its calls is the last: one in the midst of the load.</summary>
    public static IEnumerable<TheoryDataRow<string, int>> Steps() =>
    [
        new("claim", 3), new("start", 4), new("admit", 2), new("complete", 5), new("settle", 4), new("progress", 2),
        new("renew", 3), new("reap", 3), new("trim", 2),
    ];

    public static async Task HoldsAsync(string failpoint)
    {
        await using var bench = await FaultBench.StartAsync();
        var items = FaultLoad.Mixed("j", Jobs, bench.Random);
        await bench.PushAsync(items);
        var trims = failpoint.StartsWith("trim", StringComparison.Ordinal);
        var settings = trims ? new SiloSettings { KeepFinished = 200 } : new SiloSettings();
        var first = await bench.StartSiloAsync(settings with { Failpoint = failpoint }, waitUntilReady: false);
        await first.WaitForExitAsync();
        Assert.Equal(137, first.ExitCode);
        var before = await Records.StandAsync(bench);
        Assert.True(before.Outcomes < items.Count, $"The silo died only when all was done: {before}");

        var restarted = Stopwatch.StartNew();
        await bench.StartSiloAsync(settings with { Name = "b" });
        await Records.SettledAsync(bench, items.Count);
        FaultBench.Say($"{failpoint}: died at {before}; all outcomes {restarted.Elapsed.TotalSeconds:0.0} s after the restart.");
        Assert.True(restarted.Elapsed < Recovery, $"All outcomes within {Recovery.TotalSeconds} s of the restart; actual: {restarted.Elapsed.TotalSeconds:0.0} s.");
        if (trims) await TrimmedAsync(bench, items);
        else await Checker.HoldsAsync(bench, items, new Expectations { Lost = true });
    }

    // Most records are forgotten by then, as they should be: the totals remain.
    private static async Task TrimmedAsync(FaultBench bench, IReadOnlyList<FaultItem> items)
    {
        var counts = await bench.Store.CountAsync();
        var dead = items.Count(i => i.Outcome == Store.JobState.Dead);
        Assert.Equal(items.Count - dead, counts.Totals["completed"]);
        Assert.Equal(dead, counts.Totals["dead"]);
        Assert.Equal(dead, counts.Dead);
        var jobs = await Records.ReadAsync(bench.Store);
        Assert.All(jobs.GroupBy(j => Records.KeyOf(j.Payload)), g => Assert.Single(g));
        Assert.Equal(counts.Kept + counts.Dead, jobs.Count);
    }
}
