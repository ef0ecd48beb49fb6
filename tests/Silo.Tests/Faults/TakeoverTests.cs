using System.Diagnostics;
using System.Text.Json;
using Gristmill.FaultHandlers;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Store;

namespace Gristmill.Silo.Tests.Faults;

/// <summary>Two silos: one takes over what the other cannot go on with.</summary>
public sealed class TakeoverTests
{
    private static readonly TimeSpan TakeoverLimit = TimeSpan.FromSeconds(8 * FaultBench.Slowness);

    [Fact]
    public async Task Frozen_silo_that_thaws_cannot_overwrite_the_outcome_of_the_one_that_took_over()
    {
        await using var bench = await FaultBench.StartAsync();
        var gate = Path.Combine(bench.Folder, "gate");
        var frozen = await bench.StartSiloAsync(new SiloSettings { Name = "frozen", Concurrency = 1, Engine = EngineUnderTest.Patient });
        var item = new FaultItem("job", FaultLoad.Json($$"""{"k":"job","gate":"{{gate}}","deaf":true}"""));
        await bench.PushAsync([item]);
        await bench.Ledger.HasAsync("an attempt on the first silo", l => l.Mark == LedgerMark.Start && l.ProcessId == frozen.Id);
        var other = await bench.StartSiloAsync(new SiloSettings { Name = "other", Concurrency = 1, Engine = EngineUnderTest.Patient });

        frozen.Freeze();
        var second = await bench.Ledger.HasAsync("an attempt on the second silo", l => l.Mark == LedgerMark.Start && l.ProcessId == other.Id);
        await File.WriteAllTextAsync(gate, "open", TestContext.Current.CancellationToken);
        await bench.OutcomesAsync(1);
        var outcome = Assert.Single(await Records.ReadAsync(bench.Store));
        frozen.Thaw();

        await bench.Ledger.HasAsync("the first silo's handler returns", l => l.Mark == LedgerMark.Done && l.ProcessId == frozen.Id);
        await frozen.SaysAsync(
            "that its result was refused",
            l => l.Contains("was refused, since the lease was lost", StringComparison.Ordinal) || l.Contains("after its lease was lost; dropped", StringComparison.Ordinal));
        var after = Assert.Single(await Records.ReadAsync(bench.Store));
        Assert.Equal(second.Token, JsonSerializer.Deserialize<WorkDone>(after.Result.Span, JsonSerializerOptions.Web)!.Token);
        Assert.Equal("other", after.Silo);
        Assert.Equal(outcome.Header.FinishedAt, after.Header.FinishedAt);
        Assert.Equal(1, after.Header.Lost);
        await AssertWorksAsync(bench, frozen);
    }

    [Fact]
    public async Task Silos_share_a_list_by_capacity_and_take_over_from_one_that_is_killed()
    {
        await using var bench = await FaultBench.StartAsync();
        var settings = new SiloSettings { Lease = 5, Renew = 1, Concurrency = 4 };
        var first = await bench.StartSiloAsync(settings with { Name = "a" });
        var second = await bench.StartSiloAsync(settings with { Name = "b" });
        var items = FaultLoad.Plain("j", 200, workMs: 30);
        await bench.PushAsync(items);
        await Records.SettledAsync(bench, items.Count);
        foreach (var silo in (SiloProcess[])[first, second])
        {
            var lines = bench.Ledger.Read().Where(l => l.ProcessId == silo.Id).ToList();
            var share = lines.Count(l => l.Mark == LedgerMark.Start);
            FaultBench.Say($"Silo {silo.Name} ran {share} of {items.Count}, at most {MostAtOnce(lines)} at once.");
            Assert.InRange(share, items.Count / 5, items.Count);
            Assert.InRange(MostAtOnce(lines), 1, settings.Concurrency);
        }

        var gate = Path.Combine(bench.Folder, "gate");
        var held = Enumerable.Range(0, 8).Select(n => new FaultItem($"held{n}", FaultLoad.Json($$"""{"k":"held{{n}}","gate":"{{gate}}"}"""))).ToList();
        await bench.PushAsync(held);
        var firsts = await FaultBench.UntilAsync(
            "four held by each", () => Task.FromResult(Held(bench, first)), h => h.Count == 4 && Held(bench, second).Count == 4);
        var killedAt = Stopwatch.GetTimestamp();
        await first.KillAsync();
        await File.WriteAllTextAsync(gate, "open", TestContext.Current.CancellationToken);
        await Records.SettledAsync(bench, items.Count + held.Count);
        var takenAt = bench.Ledger.Read().Where(l => l.Mark == LedgerMark.Start && l.ProcessId == second.Id && firsts.Contains(l.Key)).Max(l => l.At);
        var takeover = Stopwatch.GetElapsedTime(killedAt, takenAt);
        FaultBench.Say($"The last of {firsts.Count} jobs was taken over after {takeover.TotalSeconds:0.0} s.");
        Assert.True(takeover < TakeoverLimit, $"Taken over within {TakeoverLimit.TotalSeconds} s; actual: {takeover.TotalSeconds:0.0} s.");
        await Checker.HoldsAsync(bench, [.. items, .. held], new Expectations { Lost = true });
        Assert.Equal(firsts.Count, (await bench.CountAsync()).Totals["lost"]);
    }

    private static async Task AssertWorksAsync(FaultBench bench, SiloProcess silo)
    {
        var more = FaultLoad.Plain("more", 40, workMs: 20);
        await bench.PushAsync(more);
        await Records.SettledAsync(bench, 1 + more.Count);
        Assert.Contains(bench.Ledger.Read(), l => l.ProcessId == silo.Id && l.Key.StartsWith("more", StringComparison.Ordinal));
        Assert.All(await Records.ReadAsync(bench.Store), j => Assert.Equal(JobState.Completed, j.State));
    }

    private static List<string> Held(FaultBench bench, SiloProcess silo) =>
        [.. bench.Ledger.Read().Where(l => l.ProcessId == silo.Id && l.Mark == LedgerMark.Start && l.Key.StartsWith("held", StringComparison.Ordinal)).Select(l => l.Key)];

    private static int MostAtOnce(IReadOnlyList<LedgerLine> lines)
    {
        int running = 0, most = 0;
        foreach (var line in lines)
        {
            running += line.Mark == LedgerMark.Start ? 1 : -1;
            most = Math.Max(most, running);
        }

        return most;
    }
}
