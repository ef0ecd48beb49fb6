using System.Diagnostics;
using Gristmill.FaultHandlers;
using Gristmill.Silo.Tests.Faults.Support;

namespace Gristmill.Silo.Tests.Cluster;

/// <summary>All silos replaced one after the other under load, each by one that joins beside it: nobody notices.</summary>
public sealed class RollingRestartTests
{
    private const int Silos = 3;
    private static readonly TimeSpan WaitLimit = TimeSpan.FromSeconds(3);

    [Fact]
    public Task Silos_replaced_by_SIGTERM_under_load_fail_no_job_and_keep_waits_short() => ReplaceAllAsync(async (_, silo) =>
    {
        silo.Terminate();
        await silo.WaitForExitAsync();
    });

    [Fact]
    public Task Silos_replaced_by_drain_under_load_fail_no_job_and_keep_waits_short() => ReplaceAllAsync(async (bench, silo) =>
    {
        var drained = await ClusterCommand.RunAsync(bench, "silos", "drain", silo.Name, "--wait");
        Assert.Contains($"{silo.Name} has ended", drained.Expect(0).Out, StringComparison.Ordinal);
        await silo.WaitForExitAsync();
    });

    [Fact]
    public async Task Silo_told_to_end_while_it_starts_gives_back_what_it_has_and_exits_with_0()
    {
        await using var bench = await FaultBench.StartAsync();
        var items = FaultLoad.Plain("j", 100, workMs: 100);
        await bench.PushAsync(items);
        foreach (var line in (string[])[EngineUnderTest.SaysStarting, "Connected to Redis", "lease held"])
        {
            var silo = await bench.StartSiloAsync(new SiloSettings { Name = "hasty", Concurrency = 4 }, waitUntilReady: false);
            await silo.SaysAsync(line);
            silo.Terminate();
            await silo.WaitForExitAsync();
            Assert.Equal(0, silo.ExitCode);
            Assert.Equal(0, (await Records.StandAsync(bench)).Running);
        }

        await bench.StartSiloAsync(new SiloSettings { Concurrency = 50 });
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items);
    }

    private static async Task ReplaceAllAsync(Func<FaultBench, SiloProcess, Task> end)
    {
        await using var bench = await FaultBench.StartAsync();
        await using var steps = await StepLog.StartAsync(bench);
        var crew = await SiloCrew.StartAsync(bench, Silos, new SiloSettings().WithDefaultLeases());
        var producer = SteadyProducer.Start(bench);
        await bench.OutcomesAsync(50);
        for (var round = 1; round <= (FaultBench.Long ? 5 : 1); round++)
        {
            for (var seat = 0; seat < Silos; seat++) await ReplaceAsync(bench, crew, seat, end);
        }

        var before = await Records.StandAsync(bench);
        await bench.OutcomesAsync(before.Outcomes + 50);
        var items = await producer.StopAsync();
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items);
        await steps.HoldsAsync(items.Count);
        Assert.DoesNotContain(bench.Ledger.Read(), l => l.Mark == LedgerMark.Ended);
        AssertWaits(producer.Waits());
    }

    private static async Task ReplaceAsync(FaultBench bench, SiloCrew crew, int seat, Func<FaultBench, SiloProcess, Task> end)
    {
        var old = crew.Silo(seat);
        var next = await crew.SeatAnotherAsync(seat, waitUntilReady: true);
        var told = Stopwatch.StartNew();
        await end(bench, old);
        Assert.Equal(0, old.ExitCode);
        FaultBench.Say($"{old.Name} ended {told.Elapsed.TotalSeconds:0.0} s after it was told, beside {next.Name}.");
        await bench.Ledger.HasAsync($"silo {next.Name} works", l => l.ProcessId == next.Id);
    }

    private static void AssertWaits(IReadOnlyList<TimeSpan> waits)
    {
        var p99 = waits[(int)Math.Ceiling(waits.Count * 0.99) - 1];
        FaultBench.Say($"{waits.Count} jobs waited: median {waits[waits.Count / 2].TotalMilliseconds:0.0} ms, p99 {p99.TotalMilliseconds:0} ms, longest {waits[^1].TotalMilliseconds:0} ms.");
        Assert.True(p99 < WaitLimit * FaultBench.Slowness, $"Started within {WaitLimit.TotalSeconds} s at p99; actual: {p99.TotalSeconds:0.0} s.");
    }
}
