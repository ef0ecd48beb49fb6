using System.Diagnostics;
using Gristmill.FaultHandlers;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Store;

namespace Gristmill.Silo.Tests.Cluster;

/// <summary>`gristmill silos` and `gristmill silos drain`.</summary>
public sealed class DrainTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Drained_silo_takes_nothing_more_ends_what_it_runs_and_exits_with_0()
    {
        await using var bench = await FaultBench.StartAsync();
        var gate = Path.Combine(bench.Folder, "gate");

        // Stopping by signal would cut the jobs after half a second: draining must not.
        var drained = await bench.StartSiloAsync(new SiloSettings { Name = "drained", Shutdown = 0.5, Concurrency = 4 });
        var held = Held(gate, 4);
        await bench.PushAsync(held);
        await FaultBench.UntilAsync("four run", () => bench.Ledger.Read().Count == 4);
        var other = await bench.StartSiloAsync(new SiloSettings { Name = "other" });
        (await ClusterCommand.RunAsync(bench, "silos", "drain", "drained")).Expect(0);
        await drained.SaysAsync("Asked to drain");
        await bench.SilosAsync("one drains", silos => silos.Single(s => s.Record.Name == "drained").Record.State == "draining");

        var items = FaultLoad.Plain("j", 200, workMs: 10);
        await bench.PushAsync(items);
        await bench.OutcomesAsync(items.Count);
        Assert.All(bench.Ledger.Read().Where(l => l.Key.StartsWith('j')), l => Assert.Equal(other.Id, l.ProcessId));
        Assert.True(drained.IsRunning, "It waits for what it runs.");
        await File.WriteAllTextAsync(gate, "open", Stop);
        await drained.WaitForExitAsync();
        Assert.Equal(0, drained.ExitCode);
        await Records.SettledAsync(bench, items.Count + held.Count);
        await Checker.HoldsAsync(bench, [.. items, .. held]);
        Assert.DoesNotContain(bench.Ledger.Read(), l => l.Mark == LedgerMark.Ended);
        await bench.SilosAsync("only the other is left", silos => silos is [{ Record.Name: "other" }]);
    }

    [Fact]
    public async Task Silo_told_to_end_while_it_drains_ends_within_its_shutdown_time()
    {
        await using var bench = await FaultBench.StartAsync();
        var gate = Path.Combine(bench.Folder, "gate");
        var silo = await bench.StartSiloAsync(new SiloSettings { Shutdown = 0.5, Concurrency = 2 });
        var items = Held(gate, 2);
        await bench.PushAsync(items);
        await FaultBench.UntilAsync("two run", () => bench.Ledger.Read().Count == 2);
        (await ClusterCommand.RunAsync(bench, "silos", "drain", silo.Name)).Expect(0);
        await silo.SaysAsync("as long as they need");
        Assert.True(silo.IsRunning, "It waits for what it runs.");
        var told = Stopwatch.StartNew();
        silo.Terminate();
        await silo.WaitForExitAsync(TimeSpan.FromSeconds(10 * FaultBench.Slowness));
        FaultBench.Say($"Ended {told.Elapsed.TotalSeconds:0.0} s after SIGTERM.");
        Assert.Equal(0, silo.ExitCode);
        Assert.Equal(2, bench.Ledger.Read().Count(l => l.Mark == LedgerMark.Ended));
        Assert.All(await Records.ReadAsync(bench.Store), j => Assert.Equal((JobState.Queued, 0, 0), (j.State, j.Header.Attempts, j.Header.Lost)));

        await File.WriteAllTextAsync(gate, "open", Stop);
        await bench.StartSiloAsync(new SiloSettings { Name = "next" });
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items);
    }

    [Fact]
    public async Task Killed_silo_is_shown_as_lost_and_a_drained_one_not_at_all()
    {
        await using var bench = await FaultBench.StartAsync();
        var killed = await bench.StartSiloAsync(new SiloSettings { Name = "killed", Lease = 1, Renew = 0.2 });
        await bench.StartSiloAsync(new SiloSettings { Name = "stays" });
        var ended = await bench.StartSiloAsync(new SiloSettings { Name = "ended" });
        await bench.SilosAsync("three run", silos => silos.Count(s => s.Record.State == "running") == 3);
        await killed.KillAsync();
        (await ClusterCommand.RunAsync(bench, "silos", "drain", "ended", "--wait")).Expect(0);
        await ended.WaitForExitAsync();
        await bench.SilosAsync("one is lost", silos => silos.Any(s => s.IsLost));
        var shown = (await ClusterCommand.RunAsync(bench, "silos", "--json")).Expect(0).Json.GetProperty("silos");
        Assert.Equal(
            [("killed", "lost"), ("stays", "running")],
            shown.EnumerateArray().Select(s => (s.GetProperty("name").GetString(), s.GetProperty("state").GetString())));
        Assert.Contains("lost", (await ClusterCommand.RunAsync(bench, "silos")).Expect(0).Out, StringComparison.Ordinal);
        var refused = (await ClusterCommand.RunAsync(bench, "silos", "drain", "killed")).Expect(1);
        Assert.Contains("There is no silo 'killed'", refused.Error, StringComparison.Ordinal);
    }

    private static List<FaultItem> Held(string gate, int count) =>
        [.. Enumerable.Range(0, count).Select(n => new FaultItem($"held{n}", FaultLoad.Json($$"""{"k":"held{{n}}","gate":"{{gate}}"}""")))];
}
