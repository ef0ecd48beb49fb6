using Gristmill.FaultHandlers;
using Gristmill.Silo.Tests.Faults.Support;

namespace Gristmill.Silo.Tests.Faults;

/// <summary>A backlog costs Redis memory, not the silo.</summary>
public sealed class BacklogMemoryTests
{
    private const int Items = 1_000_000;
    private const long MostKiB = 20 * 1024;

    [Fact]
    public async Task Million_items_on_a_list_raise_the_memory_of_a_silo_by_less_than_20_MB()
    {
        await using var bench = await FaultBench.StartAsync();
        var gate = Path.Combine(bench.Folder, "gate");
        var silo = await bench.StartSiloAsync(new SiloSettings { Concurrency = 1 });

        // Once through the whole way first, so that its code is compiled and its buffers are there.
        await bench.PushAsync(FaultLoad.Plain("warm", 2_000, workMs: 0));
        await Records.SettledAsync(bench, 2_000);
        await bench.PushAsync([new FaultItem("held", FaultLoad.Json($$"""{"k":"held","gate":"{{gate}}"}"""))]);
        await bench.Ledger.HasAsync("the slow job runs", l => l.Key == "held" && l.Mark == LedgerMark.Start);
        var idle = await SettledAsync(silo);

        await bench.PushAsync(FaultLoad.Plain("j", Items, workMs: 0));
        Assert.Equal(Items, await bench.ListedAsync());
        var full = await SettledAsync(silo);
        FaultBench.Say($"The silo has {idle} KiB with an empty list, {full} KiB with {Items} items: {full - idle:+0;-0} KiB.");
        Assert.True(full - idle < MostKiB, $"Expected less than {MostKiB} KiB more, actual {full - idle} KiB ({idle} → {full}).");
    }

    // The resident memory once it has stayed within 1 MiB for two seconds of looks.
    private static async Task<long> SettledAsync(SiloProcess silo)
    {
        const int looks = 100;
        var seen = new Queue<long>();
        await FaultBench.UntilAsync(
            "steady memory",
            () =>
            {
                seen.Enqueue(silo.ResidentKiB());
                if (seen.Count > looks) seen.Dequeue();
                return seen.Count == looks && seen.Max() - seen.Min() < 1024;
            });
        return seen.Max();
    }
}
