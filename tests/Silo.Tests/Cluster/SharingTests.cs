using Gristmill.FaultHandlers;
using Gristmill.Silo.Tests.Faults.Support;

namespace Gristmill.Silo.Tests.Cluster;

/// <summary>Which silo runs what, and how much of it at once.</summary>
public sealed class SharingTests
{
    private const string GpuQueue = "render";

    [Fact]
    public async Task Queue_with_a_label_is_served_only_by_silos_that_have_it()
    {
        await using var bench = await FaultBench.StartAsync();
        var settings = new SiloSettings { OtherQueues = [GpuQueue], QueueLabels = new Dictionary<string, string> { [GpuQueue] = "gpu" } };
        var plain = await bench.StartSiloAsync(settings with { Name = "plain" });
        await bench.PushAsync(FaultLoad.Plain("early", 20, workMs: 5), GpuQueue);
        await plain.SaysAsync($"{GpuQueue}", l => l.Contains(GpuQueue, StringComparison.Ordinal) && l.Contains("gpu", StringComparison.Ordinal));
        var items = FaultLoad.Plain("j", 100, workMs: 5);
        await bench.PushAsync(items);
        await Records.SettledAsync(bench, items.Count);
        Assert.Equal(20, await bench.StoreOf(GpuQueue).LengthAsync(FaultBench.ListOf(GpuQueue), TestContext.Current.CancellationToken));

        var gpu = await bench.StartSiloAsync(settings with { Name = "gpu", Labels = ["gpu", "large"] });
        await bench.PushAsync(FaultLoad.Plain("late", 200, workMs: 5), GpuQueue);
        await FaultBench.UntilAsync("220 jobs of the queue with the label", () => bench.CountAsync(bench.StoreOf(GpuQueue)), c => c.Totals["completed"] == 220);
        Assert.All(bench.Ledger.Read().Where(l => l.Queue == GpuQueue), l => Assert.Equal(gpu.Id, l.ProcessId));
        Assert.Contains(bench.Ledger.Read(), l => l.Queue == FaultBench.Queue && l.ProcessId == plain.Id);
    }

    [Fact]
    public async Task Concurrency_of_the_cluster_is_never_exceeded_by_three_silos_and_is_used()
    {
        const int limit = 20;
        await using var bench = await FaultBench.StartAsync();
        await SiloCrew.StartAsync(bench, 3, new SiloSettings { Concurrency = 8, ClusterConcurrency = limit });

        // Of jobs this long, what a crowded machine takes between two of them is a small part.
        var items = FaultLoad.Plain("j", FaultBench.Long ? 800 : 120, workMs: 1000);
        await bench.PushAsync(items);
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items);
        var use = Use.Of(bench.Ledger.Read());
        FaultBench.Say($"At most {use.Most} of {limit} at once; {use.Mean:0.0} on average, by {use.Processes} silos.");
        Assert.Equal(limit, use.Most);
        Assert.True(use.Mean >= 0.8 * limit / FaultBench.Slowness, $"At least 80% of {limit} slots in use on average; actual: {use.Mean:0.0}.");
        Assert.Equal(3, use.Processes);
    }

    /// <summary>How many attempts ran at once, over all processes, from the first start to the last.</summary>
    private sealed record Use(int Most, double Mean, int Processes)
    {
        public static Use Of(IReadOnlyList<LedgerLine> lines)
        {
            var (running, most, busy) = (0, 0, 0.0);
            var until = lines.Last(l => l.Mark == LedgerMark.Start).At;
            for (var n = 0; n < lines.Count && lines[n].At <= until; n++)
            {
                if (n > 0) busy += (double)running * (lines[n].At - lines[n - 1].At);
                running += lines[n].Mark == LedgerMark.Start ? 1 : -1;
                most = Math.Max(most, running);
            }

            return new Use(most, busy / (until - lines[0].At), lines.Select(l => l.ProcessId).Distinct().Count());
        }
    }
}
