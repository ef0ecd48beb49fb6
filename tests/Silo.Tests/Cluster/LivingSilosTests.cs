using System.Diagnostics;
using Gristmill.FaultHandlers;
using Gristmill.Silo.Tests.Faults.Support;

namespace Gristmill.Silo.Tests.Cluster;

/// <summary>What the silos that live see of one that does not: nothing, but that there is more to do.</summary>
public sealed class LivingSilosTests
{
    private const int Silos = 3;

    // With 8 slots that live and 20 ms a job; the longest that nothing may start on a silo that has enough to do.
    private const int JobsPerSecond = 400;
    private static readonly TimeSpan LongestGap = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan FaultTime = TimeSpan.FromSeconds(FaultBench.Long ? 30 : 8);

    // Each dead letter is a call of a grain that is somewhere in the cluster.
    private static SiloSettings Settings => new() { Concurrency = 4, DeadLetterList = "letters" };

    [Fact]
    public async Task Silos_that_live_keep_their_bridges_and_leases_when_one_is_killed()
    {
        await using var bench = await FaultBench.StartAsync();
        var crew = await SiloCrew.StartAsync(bench, Silos, Settings);
        var items = await LoadAsync(bench);
        var seat = crew.AnySeat();
        await crew.Silo(seat).KillAsync();
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items, new Expectations { Lost = true });
        foreach (var living in Living(crew, seat))
        {
            Assert.Single(living.Lines("lease held"));
            Assert.Empty(living.Lines("did not answer"));
        }
    }

    [Fact]
    public async Task Silo_that_is_frozen_holds_no_other_up()
    {
        await using var bench = await FaultBench.StartAsync();
        var crew = await SiloCrew.StartAsync(bench, Silos, Settings);
        var items = await LoadAsync(bench);
        await bench.OutcomesAsync(200);
        var seat = crew.AnySeat();
        crew.Silo(seat).Freeze();
        var frozenAt = Stopwatch.GetTimestamp();
        await FaultBench.LastAsync(FaultTime);
        var until = Stopwatch.GetTimestamp();
        await crew.Silo(seat).KillAsync();
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items, new Expectations { Lost = true });
        foreach (var living in Living(crew, seat))
        {
            var starts = bench.Ledger.Read().Where(l => l.Mark == LedgerMark.Start && l.ProcessId == living.Id && l.At > frozenAt && l.At < until).Select(l => l.At).Order().ToList();
            var gap = starts.Prepend(frozenAt).Append(until).Zip(starts.Append(until), Stopwatch.GetElapsedTime).Max();
            FaultBench.Say($"Silo {living.Name} started {starts.Count} jobs meanwhile; the longest gap was {gap.TotalMilliseconds:0} ms.");
            Assert.True(gap < LongestGap * FaultBench.Slowness, $"Silo {living.Name} started nothing for {gap.TotalSeconds:0.0} s, while another was frozen.");
        }
    }

    private static IEnumerable<SiloProcess> Living(SiloCrew crew, int lost) => Enumerable.Range(0, crew.Count).Where(seat => seat != lost).Select(crew.Silo);

    // Enough for all of the fault and more: one in twenty becomes a dead letter.
    private static async Task<IReadOnlyList<FaultItem>> LoadAsync(FaultBench bench)
    {
        var count = (int)((FaultTime.TotalSeconds + 4) * JobsPerSecond);
        FaultItem[] items = [.. Enumerable.Range(0, count).Select(n => n % 20 == 0 ? FaultLoad.Failing($"f{n}") : FaultLoad.Plain($"j{n}", workMs: 20))];
        await bench.PushAsync(items);
        return items;
    }
}
