using Gristmill.Silo.Tests.Faults.Support;

namespace Gristmill.Silo.Tests.Faults;

/// <summary>Silos that are killed again and again, wherever they are.</summary>
public sealed class RandomKillTests
{
    [Fact]
    public async Task Silos_killed_at_random_lose_nothing()
    {
        await using var bench = await FaultBench.StartAsync();
        var kills = FaultBench.Long ? 40 : 4;
        var items = FaultLoad.Mixed("j", FaultBench.Long ? 40_000 : 4_000, bench.Random);
        await bench.PushAsync(items);
        var settings = new SiloSettings { LostBudget = 100 };
        for (var kill = 1; kill <= kills; kill++)
        {
            var silo = await bench.StartSiloAsync(settings with { Name = $"s{kill}" });
            var stand = await Records.StandAsync(bench);
            var wait = bench.Random.Next(1, items.Count / (kills + 1));
            await bench.OutcomesAsync(stand.Outcomes + wait);
            await silo.KillAsync();
            FaultBench.Say($"Kill {kill} of {kills}, {wait} outcomes after the start.");
        }

        await bench.StartSiloAsync(settings with { Name = "last" });
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items, new Expectations { Lost = true });
    }

    [Fact]
    public async Task Two_silos_of_which_one_is_killed_again_and_again_lose_nothing()
    {
        await using var bench = await FaultBench.StartAsync();
        var items = FaultLoad.Mixed("j", FaultBench.Long ? 40_000 : 4_000, bench.Random, priorities: false);
        await bench.PushAsync(items);
        var settings = new SiloSettings { LostBudget = 100, Concurrency = 4 };
        await bench.StartSiloAsync(settings with { Name = "stays" });
        for (var kill = 1; kill <= (FaultBench.Long ? 20 : 2); kill++)
        {
            var silo = await bench.StartSiloAsync(settings with { Name = $"s{kill}" });
            var stand = await Records.StandAsync(bench);
            await bench.OutcomesAsync(Math.Min(items.Count, stand.Outcomes + bench.Random.Next(1, 400)));
            await silo.KillAsync();
        }

        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items, new Expectations { Lost = true });
    }
}
