using Gristmill.Silo.Tests.Faults.Support;

namespace Gristmill.Silo.Tests.Faults;

/// <summary>A Redis that forgets all, has no memory left, or has something else where a key should be.</summary>
public sealed class StoreTroubleTests
{
    private static int Jobs => FaultBench.Long ? 20_000 : 2_000;

    [Fact]
    public async Task Flush_under_load_is_said_and_what_comes_is_worked_on()
    {
        await using var bench = await FaultBench.StartAsync();
        await bench.PushAsync(FaultLoad.Mixed("gone", Jobs, bench.Random));
        var silo = await bench.StartSiloAsync();
        for (var flush = 1; flush <= 2; flush++)
        {
            await bench.OutcomesAsync(Jobs / 10);
            await bench.CommandAsync("FLUSHDB");
            var items = FaultLoad.Mixed($"new{flush}-", Jobs, bench.Random);
            await bench.PushAsync(items);
            if (flush == 1) continue;
            await Records.SettledAsync(bench, items.Count);
            await Checker.HoldsAsync(bench, items, new Expectations { StoreForgot = true, Lost = true });
        }

        await FaultBench.UntilAsync("each flush is said", () => silo.Lines("were flushed").Count >= 2);
        Assert.True(silo.Lines("were flushed").Count == 2, $"Expected each of 2 flushes to be said once; actual:\n{string.Join('\n', silo.Lines("e"))}");
    }

    [Fact]
    public async Task Idle_silo_whose_store_was_flushed_says_so_before_anything_is_pushed()
    {
        await using var bench = await FaultBench.StartAsync();
        await bench.PushAsync(FaultLoad.Plain("gone", 10, workMs: 0));
        var silo = await bench.StartSiloAsync();
        await bench.OutcomesAsync(10);
        await bench.CommandAsync("FLUSHDB");
        await silo.SaysAsync("were flushed");
        var items = FaultLoad.Plain("new", 10, workMs: 0);
        await bench.PushAsync(items);
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items);
    }

    [Fact]
    public async Task Redis_without_memory_loses_no_item_and_recovers_by_itself()
    {
        await using var bench = await FaultBench.StartAsync("--maxmemory-policy", "noeviction");
        var items = FaultLoad.Mixed("j", Jobs, bench.Random);
        await bench.PushAsync(items);
        var silo = await bench.StartSiloAsync();
        await bench.OutcomesAsync(Jobs / 10);
        await bench.CommandAsync("CONFIG", "SET", "maxmemory", "1mb");
        var line = await silo.SaysAsync("work cannot be taken, and why", l => l.Contains("cannot be taken", StringComparison.Ordinal) || l.Contains("admitting", StringComparison.Ordinal));
        Assert.Contains("OOM", line, StringComparison.Ordinal);
        var during = await Records.StandAsync(bench);
        Assert.True(during.Outcomes < items.Count, $"Memory ran out only when all was done: {during}");
        await bench.CommandAsync("CONFIG", "SET", "maxmemory", "0");
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items);
    }

    [Theory]
    [InlineData("list")]
    [InlineData("meta")]
    [InlineData("running")]
    [InlineData("ready")]
    [InlineData("dead")]
    [InlineData("jobs:0")]
    public async Task Key_of_the_wrong_type_loses_nothing_and_is_said(string name)
    {
        await using var bench = await FaultBench.StartAsync();
        var items = FaultLoad.Mixed("j", Jobs, bench.Random);
        await bench.PushAsync(items);
        // A lease longer than the trouble: what runs meanwhile is not given up.
        var silo = await bench.StartSiloAsync(new SiloSettings { Lease = 10, Renew = 0.5 });
        await bench.OutcomesAsync(Jobs / 20);
        var key = name == "list" ? FaultBench.ListOf(FaultBench.Queue) : bench.Key(name);
        await bench.SpoilAsync(key);
        await silo.SaysAsync($"The key '{key}' is a string", FaultBench.Patience);
        await bench.RepairAsync(key);
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items);
    }
}
