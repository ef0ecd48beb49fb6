using System.Diagnostics;
using Gristmill.Silo.Tests.Faults.Support;

namespace Gristmill.Silo.Tests.Cluster;

/// <summary>
/// Three silos under load of which one is killed, frozen or cut off, again and again, or whose Redis restarts: each job has
/// one outcome, nothing is lost, and what the lost silo ran goes on elsewhere in time. Loads and faults are shorter, and
/// leases too where it says so, unless GRISTMILL_LONG=1.
/// </summary>
public sealed class ChaosTests
{
    private const int Silos = 3;
    private const int Concurrency = 4;

    // With 12 slots and 27.5 ms a job.
    private const int JobsPerSecond = 400;
    private static readonly TimeSpan TakeoverLimit = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan KillPeriod = TimeSpan.FromSeconds(5);

    // Longer than the lease that the silos have.
    private static readonly TimeSpan FaultTime = TimeSpan.FromSeconds(FaultBench.Long ? 20 : 4);

    // How long after the faults the rest may take: machines are slower than the figures above.
    private static readonly TimeSpan Rest = FaultBench.Patience * (FaultBench.Long ? 3 : 1);

    private static SiloSettings Settings => FaultBench.Long ? DefaultLeases : new SiloSettings { Concurrency = Concurrency };

    private static SiloSettings DefaultLeases => new SiloSettings { Concurrency = Concurrency }.WithDefaultLeases();

    public enum Link
    {
        /// <summary>Nothing passes; connections stay open.</summary>
        Silent,

        /// <summary>What the silo says arrives, and it hears nothing.</summary>
        Deaf,

        /// <summary>Connections are reset and refused.</summary>
        Refused,
    }

    [Fact]
    public async Task Silos_killed_every_five_seconds_lose_nothing_and_their_jobs_are_taken_over_in_time()
    {
        await using var bench = await FaultBench.StartAsync();
        await using var steps = await StepLog.StartAsync(bench);
        var crew = await SiloCrew.StartAsync(bench, Silos, DefaultLeases);
        var items = FaultLoad.Working("j", FaultBench.Long ? 20_000 : 4_500, bench.Random);
        await bench.PushAsync(items);
        var began = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(KillPeriod);
        var kills = 0;
        while (await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken) && (await Records.StandAsync(bench)).Listed > 0)
        {
            await crew.KillAndSeatAnotherAsync(crew.AnySeat());
            kills++;
        }

        await Records.SettledAsync(bench, items.Count, Rest);
        FaultBench.Say($"{items.Count} jobs and {kills} kills in {began.Elapsed.TotalSeconds:0.0} s.");
        await Checker.HoldsAsync(bench, items, new Expectations { Lost = true });
        await steps.HoldsAsync(items.Count);
        crew.AssertTakeovers(TakeoverLimit);
    }

    [Fact]
    public async Task Silo_frozen_past_its_lease_is_taken_over_from_and_comes_back()
    {
        await using var bench = await FaultBench.StartAsync();
        await using var steps = await StepLog.StartAsync(bench);
        var crew = await SiloCrew.StartAsync(bench, Silos, Settings);
        var pushed = new List<FaultItem>();
        for (var round = 1; round <= (FaultBench.Long ? 2 : 1); round++)
        {
            pushed.AddRange(await LoadAsync(bench, $"r{round}-", FaultTime));
            await UnderLoadAsync(bench, pushed.Count);
            var seat = crew.AnySeat();
            crew.Silo(seat).Freeze();
            crew.Lost(seat);
            await FaultBench.LastAsync(FaultTime > EngineUnderTest.CountsOutWithin ? FaultTime : EngineUnderTest.CountsOutWithin);
            crew.Silo(seat).Thaw();
            if (EngineUnderTest.Rejoins) pushed.AddRange(await ComesBackAsync(bench, crew, seat, $"back{round}-"));
            else pushed.AddRange(await EndsAsync(bench, crew, seat, $"back{round}-"));
        }

        await EndAsync(bench, crew, steps, pushed);
    }

    [Theory, InlineData(Link.Silent), InlineData(Link.Deaf), InlineData(Link.Refused)]
    public async Task Silo_cut_off_past_its_lease_is_taken_over_from_and_comes_back(Link link)
    {
        await using var bench = await FaultBench.StartAsync();
        await using var steps = await StepLog.StartAsync(bench);
        var crew = await SiloCrew.StartAsync(bench, Silos, Settings);
        var pushed = new List<FaultItem>(await LoadAsync(bench, "j", FaultTime));
        await UnderLoadAsync(bench, pushed.Count);
        var seat = crew.AnySeat();
        var proxy = crew.Proxy(seat);
        crew.Lost(seat);
        switch (link)
        {
            case Link.Silent: proxy.Stall(); break;
            case Link.Deaf: proxy.StallReplies(); break;
            default: await proxy.RefuseNewAsync(); proxy.Cut(); break;
        }

        await FaultBench.LastAsync(FaultTime);
        if (link == Link.Refused) proxy.AcceptNew();
        else proxy.Resume();
        pushed.AddRange(await ComesBackAsync(bench, crew, seat, "back"));
        await EndAsync(bench, crew, steps, pushed);
    }

    [Fact]
    public async Task Redis_restarted_under_three_silos_charges_nobody()
    {
        await using var bench = await FaultBench.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        await using var steps = await StepLog.StartAsync(bench);
        var crew = await SiloCrew.StartAsync(bench, Silos, Settings);
        var items = await LoadAsync(bench, "j", TimeSpan.FromSeconds(2));
        await UnderLoadAsync(bench, items.Count);
        await bench.Server.KillAsync();
        await bench.Server.StartAgainAsync();
        var stand = await Records.StandAsync(bench);
        await bench.OutcomesAsync(stand.Outcomes + (items.Count / 10));
        await bench.Server.StopAsync();
        await FaultBench.LastAsync(FaultTime);
        await bench.Server.StartAgainAsync();
        var back = Stopwatch.StartNew();
        await Records.SettledAsync(bench, items.Count, Rest);
        FaultBench.Say($"Redis was killed once and away for {FaultTime.TotalSeconds} s once; all outcomes {back.Elapsed.TotalSeconds:0.0} s after its return.");
        await Checker.HoldsAsync(bench, items, new Expectations { StoreForgot = true });
        await steps.HoldsAsync(items.Count, gaps: true);
        Assert.Equal(Silos, Enumerable.Range(0, Silos).Count(seat => crew.Silo(seat).IsRunning));
    }

    // Enough for the time of the fault and some more.
    private static async Task<IReadOnlyList<FaultItem>> LoadAsync(FaultBench bench, string prefix, TimeSpan time)
    {
        var items = FaultLoad.Working(prefix, (int)((time.TotalSeconds + 2) * JobsPerSecond), bench.Random);
        await bench.PushAsync(items);
        return items;
    }

    private static async Task UnderLoadAsync(FaultBench bench, int pushed)
    {
        var before = await Records.StandAsync(bench);
        await bench.OutcomesAsync(Math.Min(pushed, before.Outcomes + 200));
    }

    // Once it holds a lease again it works like the others.
    private static async Task<IReadOnlyList<FaultItem>> ComesBackAsync(FaultBench bench, SiloCrew crew, int seat, string prefix)
    {
        var silo = crew.Silo(seat);
        var back = Stopwatch.StartNew();
        await FaultBench.UntilAsync($"silo {silo.Name} joins anew", () => silo.Lines("lease held").Count > silo.Lines("Joining anew").Count && silo.Lines("Joining anew").Count > 0);
        FaultBench.Say($"Silo {silo.Name} was back after {back.Elapsed.TotalSeconds:0.0} s.");
        return await WorksAsync(bench, silo, prefix);
    }

    private static async Task<IReadOnlyList<FaultItem>> WorksAsync(FaultBench bench, SiloProcess silo, string prefix)
    {
        var items = FaultLoad.Working(prefix, 400, bench.Random);
        await bench.PushAsync(items);
        await bench.Ledger.HasAsync($"silo {silo.Name} works again", l => l.ProcessId == silo.Id && l.Key.StartsWith(prefix, StringComparison.Ordinal));
        return items;
    }

    // It hears that the others have buried it, and ends as one that must be started again. Another process takes its seat.
    private static async Task<IReadOnlyList<FaultItem>> EndsAsync(FaultBench bench, SiloCrew crew, int seat, string prefix)
    {
        var silo = crew.Silo(seat);
        await silo.WaitForExitAsync();
        Assert.Equal(1, silo.ExitCode);
        var next = await crew.SeatAnotherAsync(seat, waitUntilReady: true);
        return await WorksAsync(bench, next, prefix);
    }

    private static async Task EndAsync(FaultBench bench, SiloCrew crew, StepLog steps, List<FaultItem> pushed)
    {
        await Records.SettledAsync(bench, pushed.Count, Rest);
        await Checker.HoldsAsync(bench, pushed, new Expectations { Lost = true });
        await steps.HoldsAsync(pushed.Count);
        crew.AssertTakeovers(TakeoverLimit);
    }
}
