using System.Diagnostics;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Faults;

/// <summary>A Redis that stops, stalls or dies, under load.</summary>
public sealed class RedisOutageTests
{
    private static int Jobs => FaultBench.Long ? 20_000 : 2_000;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Redis_shut_down_and_started_again_loses_nothing_and_charges_nobody(StoreKind kind)
    {
        await using var bench = await FaultBench.StartAsync(kind, persistent: true);
        var items = FaultLoad.Mixed("j", Jobs, bench.Random);
        await bench.PushAsync(items);
        // Of two silos the one that finds the server first must not take the other for lost.
        const int concurrency = 8;
        var first = await bench.StartSiloAsync(new SiloSettings { Concurrency = concurrency });
        var second = await bench.StartSiloAsync(new SiloSettings { Name = "b", Concurrency = concurrency });
        await bench.OutcomesAsync(Jobs / 10);
        await bench.Server.StopAsync();
        await first.SaysAsync("lease could not be renewed");
        await second.SaysAsync("lease could not be renewed");
        await bench.Server.StartAgainAsync();
        var back = Stopwatch.StartNew();
        await Records.SettledAsync(bench, items.Count);
        FaultBench.Say($"All outcomes {back.Elapsed.TotalSeconds:0.0} s after the restart of {kind}.");
        await Checker.HoldsAsync(bench, items, new Expectations { StoreForgot = true, Torn = kind == StoreKind.Garnet ? 2 * concurrency : 0 });
    }

    [Fact]
    public async Task Redis_frozen_for_longer_than_the_lease_charges_no_job()
    {
        await using var bench = await FaultBench.StartAsync();
        var items = FaultLoad.Mixed("j", Jobs, bench.Random);
        await bench.PushAsync(items);
        // The defaults: a lease of 5 s, which a freeze of twice the time limit of commands, 10 s, outlasts. There are two
        // silos, since one alone always renews before it looks for leases that have expired.
        var settings = new SiloSettings { Lease = 5, Renew = 1, Concurrency = 8 };
        var silo = await bench.StartSiloAsync(settings);
        await bench.StartSiloAsync(settings with { Name = "b" });
        await bench.OutcomesAsync(Jobs / 10);
        bench.Server.Freeze();
        var frozen = Stopwatch.StartNew();
        await silo.SaysAsync("lease could not be renewed");
        await silo.SaysAsync("renewing the lease failed");
        await FaultBench.LastAsync(TimeSpan.FromSeconds(10) - frozen.Elapsed is var rest && rest > TimeSpan.Zero ? rest : TimeSpan.FromMilliseconds(1));
        bench.Server.Thaw();
        FaultBench.Say($"Redis was frozen for {frozen.Elapsed.TotalSeconds:0.0} s.");
        Assert.True(frozen.Elapsed > TimeSpan.FromSeconds(9), $"Frozen for about 10 s; actual: {frozen.Elapsed}");
        var back = Stopwatch.StartNew();
        await Records.SettledAsync(bench, items.Count);
        FaultBench.Say($"All outcomes {back.Elapsed.TotalSeconds:0.0} s after the thaw.");
        await Checker.HoldsAsync(bench, items, new Expectations { StoreForgot = true });
    }

    [Fact]
    public async Task Redis_killed_with_fsync_always_loses_nothing()
    {
        await using var bench = await FaultBench.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        var items = FaultLoad.Mixed("j", Jobs, bench.Random);
        await bench.PushAsync(items);
        await bench.StartSiloAsync();
        for (var kill = 1; kill <= 3; kill++)
        {
            await bench.OutcomesAsync(kill * Jobs / 5);
            await bench.Server.KillAsync();
            await bench.Server.StartAgainAsync();
        }

        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items, new Expectations { StoreForgot = true });
    }

    [Fact]
    public async Task Redis_killed_with_fsync_everysec_loses_no_more_than_Redis_itself()
    {
        await using var bench = await FaultBench.StartAsync("--appendonly", "yes", "--appendfsync", "everysec");
        var items = FaultLoad.Mixed("j", Jobs, bench.Random);
        await bench.PushAsync(items);
        var silo = await bench.StartSiloAsync();
        await bench.OutcomesAsync(Jobs / 4);
        var last = FaultLoad.Mixed("last", 500, bench.Random);
        await bench.PushAsync(last);
        await bench.Server.KillAsync();
        // The silo stands still while it is looked at what Redis has kept: the end of its log is torn off, as when the power fails.
        silo.Freeze();
        var torn = TearLog(bench.Server.Folder, 60_000);
        await bench.Server.StartAgainAsync();
        var records = (await Records.ReadAsync(bench.Store)).Select(j => Records.KeyOf(j.Payload)).ToList();
        var kept = (await Records.ListedAsync(bench)).Concat(records).ToHashSet();
        var outcomes = (await Records.StandAsync(bench)).Outcomes;
        silo.Thaw();
        FaultBench.Say($"{torn} bytes of the log are gone; Redis has kept {kept.Count} of {items.Count + last.Count} items and {outcomes} outcomes.");

        var later = FaultLoad.Mixed("later", 200, bench.Random);
        await bench.PushAsync(later);
        IReadOnlyList<FaultItem> all = [.. items.Concat(last).Where(i => kept.Contains(i.Key)), .. later];
        await Records.SettledAsync(bench, all.Count);
        await Checker.HoldsAsync(bench, all, new Expectations { StoreForgot = true, Lost = true });
    }

    // Redis has written, but not yet synced: the tail of the newest file of the append-only log.
    private static long TearLog(string folder, long bytes)
    {
        var log = new DirectoryInfo(Path.Combine(folder, "appendonlydir")).GetFiles("*.incr.aof").MaxBy(f => f.LastWriteTimeUtc)!;
        using var file = log.OpenWrite();
        var torn = Math.Min(bytes, file.Length / 4);
        file.SetLength(file.Length - torn);
        return torn;
    }
}
