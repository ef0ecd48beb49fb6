using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Store;

namespace Gristmill.Silo.Tests.Cluster;

/// <summary>`gristmill silo --count 3`: three processes and one that watches them.</summary>
public sealed class LocalClusterTests
{
    private static readonly SiloSettings Three = new() { Name = "mill", Arguments = ["--count", "3"] };

    [Fact]
    public async Task Three_silos_run_a_killed_one_is_started_again_and_SIGTERM_ends_all_in_order()
    {
        await using var bench = await FaultBench.StartAsync();
        var parent = await bench.StartSiloAsync(Three);
        var silos = await RunningAsync(bench);
        Assert.Equal(["mill-1", "mill-2", "mill-3"], silos.Select(s => s.Name));
        Assert.Equal(3, silos.Select(s => s.Pid).Distinct().Count());
        Assert.DoesNotContain(parent.Id, silos.Select(s => s.Pid));

        Testing.Signals.Send(silos[1].Pid, Testing.Signals.Kill);
        await parent.SaysAsync("[2] The silo ended with status 137");
        var again = await FaultBench.UntilAsync("another mill-2", () => RunningAsync(bench), now => now.Any(s => s.Name == "mill-2" && s.Pid != silos[1].Pid));
        Assert.Equal(silos[0].Pid, again[0].Pid);

        var items = FaultLoad.Working("j", 300, bench.Random);
        await bench.PushAsync(items);
        await bench.OutcomesAsync(30);
        parent.Terminate();
        await parent.WaitForExitAsync();
        Assert.Equal(0, parent.ExitCode);
        Assert.All(again, s => Assert.False(Runs(s.Pid), $"{s.Name} has ended with its parent"));
        await bench.SilosAsync("only the killed one stands there", left => left.All(s => s.Record.Pid == silos[1].Pid));
        Assert.Equal(0, (await bench.CountAsync()).Totals["lost"]);
        Assert.DoesNotContain(bench.Ledger.Read(), l => l.Mark == FaultHandlers.LedgerMark.Ended);
    }

    [Fact]
    public async Task Parent_that_is_killed_leaves_no_process()
    {
        await using var bench = await FaultBench.StartAsync();
        var parent = await bench.StartSiloAsync(Three);
        var silos = await RunningAsync(bench);
        await parent.KillAsync();
        await FaultBench.UntilAsync("no silo is left", () => silos.All(s => !Runs(s.Pid)));
    }

    private static async Task<IReadOnlyList<SiloRecord>> RunningAsync(FaultBench bench) =>
        [.. (await bench.SilosAsync("three run", silos => silos.Count(s => s is { IsLost: false, Record.State: "running" }) == 3)).Where(s => !s.IsLost).Select(s => s.Record)];

    private static bool Runs(int processId)
    {
        try
        {
            // The state is the letter behind the name, which stands in brackets; Z has ended and waits to be fetched.
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return !stat[stat.LastIndexOf(')')..].StartsWith(") Z", StringComparison.Ordinal);
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException or IOException)
        {
            return false;
        }
    }
}
