using Gristmill.FaultHandlers;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Cluster;

/// <summary>A silo in a network of its own whose cable is pulled: no connection ends, and nothing comes through.</summary>
public sealed class NamespaceTests
{
    [Fact]
    public async Task Silo_whose_cable_is_pulled_is_taken_over_from_and_comes_back_when_it_is_plugged_in()
    {
        await using var network = await NetworkNamespace.MakeAsync();
        await using var bench = await FaultBench.StartAsync("--bind", "127.0.0.1", network.Address, "--protected-mode", "no");
        await using var steps = await StepLog.StartAsync(bench);
        var far = await bench.StartSiloAsync(new SiloSettings { Name = "far", Prefix = network.Prefix, RedisUrl = $"redis://{network.Address}:{bench.Server.Port}" });
        var near = await bench.StartSiloAsync(new SiloSettings { Name = "near" });
        var items = new List<FaultItem>(FaultLoad.Working("j", 400, bench.Random, least: 50, most: 200));
        await bench.PushAsync(items);
        await bench.Ledger.HasAsync("the far silo works", l => l.ProcessId == far.Id);
        await network.PullAsync();
        await far.SaysAsync("lease could not be renewed");
        await far.SaysAsync("is cut off from its cluster");
        await near.SaysAsync("jobs of lost silos");
        await near.SaysAsync("The member far@");
        await Records.SettledAsync(bench, items.Count);

        await network.PlugAsync();
        await far.SaysAsync("has rejoined the cluster as a new generation");
        await FaultBench.UntilAsync("it holds a lease again", () => far.Lines("lease held").Count >= 2);
        var more = FaultLoad.Working("more", 200, bench.Random);
        await bench.PushAsync(more);
        items.AddRange(more);
        await bench.Ledger.HasAsync("the far silo works again", l => l.ProcessId == far.Id && l.Key.StartsWith("more", StringComparison.Ordinal) && l.Mark == LedgerMark.Done);
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items, new Expectations { Lost = true });
        await steps.HoldsAsync(items.Count);
    }
}
