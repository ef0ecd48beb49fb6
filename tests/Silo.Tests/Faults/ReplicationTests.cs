using System.Globalization;
using Gristmill.Redis;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Silo.Tests.Faults;

/// <summary>A Redis that answers and does not serve (READONLY, LOADING), and one whose replica takes its place.</summary>
public sealed class ReplicationTests
{
    private static int Jobs => FaultBench.Long ? 20_000 : 2_000;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Redis_demoted_to_a_replica_and_promoted_again_loses_nothing_and_charges_nobody()
    {
        await using var bench = await FaultBench.StartAsync();
        var items = FaultLoad.Mixed("j", Jobs, bench.Random);
        await bench.PushAsync(items);
        var first = await bench.StartSiloAsync(new SiloSettings { Concurrency = 8 });
        var second = await bench.StartSiloAsync(new SiloSettings { Name = "b", Concurrency = 8 });
        await bench.OutcomesAsync(Jobs / 10);
        // Its master is not there, so that it keeps what it has; it refuses all writes.
        await bench.CommandAsync("REPLICAOF", "127.0.0.1", Ports.Next().ToString(CultureInfo.InvariantCulture));
        await first.SaysAsync("lease could not be renewed");
        await second.SaysAsync("lease could not be renewed");
        Assert.NotEmpty(first.Lines("READONLY"));
        var during = await Records.StandAsync(bench);
        Assert.True(during.Outcomes < items.Count, $"The replica came only when all was done: {during}");
        await bench.CommandAsync("REPLICAOF", "NO", "ONE");
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items, new Expectations { StoreForgot = true });
    }

    [Fact]
    public async Task Redis_that_loads_for_a_while_is_waited_for_and_charges_nobody()
    {
        await using var bench = await FaultBench.StartAsync(
            "--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024");
        // What takes long to load: some thousands of commands of somebody else.
        for (var n = 0; n < 10_000; n += 1000)
        {
            await Task.WhenAll(Enumerable.Range(n, 1000).Select(i => bench.CommandAsync("SET", $"other:{i}", "x")));
        }

        var items = FaultLoad.Mixed("j", Jobs, bench.Random);
        await bench.PushAsync(items);
        var first = await bench.StartSiloAsync(new SiloSettings { Concurrency = 8 });
        var second = await bench.StartSiloAsync(new SiloSettings { Name = "b", Concurrency = 8 });
        await bench.OutcomesAsync(Jobs / 10);
        await bench.Server.StopAsync();
        await bench.Server.StartAgainAsync(waitUntilReady: false);
        await first.SaysAsync("LOADING");
        await second.SaysAsync("LOADING");
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items, new Expectations { StoreForgot = true });
    }

    [Fact]
    public async Task Failover_to_a_replica_loses_no_more_than_Redis_itself()
    {
        await using var bench = await FaultBench.StartAsync();
        var port = bench.Server.Port.ToString(CultureInfo.InvariantCulture);
        await using var replica = await RedisServer.StartAsync("--replicaof", "127.0.0.1", port);
        await using var other = RedisClient.Connect(RedisOptions.Parse(replica.Url), NullLoggerFactory.Instance);
        var items = FaultLoad.Mixed("j", Jobs, bench.Random);
        await bench.PushAsync(items);
        await FaultBench.UntilAsync("the replica follows", async () => (await other.ExecuteAsync(new RedisCommand("ROLE"), Stop))[3].AsString(), state => state == "connected");
        var silo = await bench.StartSiloAsync();
        await bench.OutcomesAsync(Jobs / 5);

        // The replica is promoted while its master still serves: what happens there from now on is lost.
        await other.ExecuteAsync(new RedisCommand("REPLICAOF", "NO", "ONE"), Stop);
        var late = FaultLoad.Mixed("late", 200, bench.Random);
        await bench.PushAsync(late);
        await bench.OutcomesAsync(Jobs / 5 + Jobs / 10);
        await bench.Server.KillAsync();
        silo.Freeze();
        await other.ExecuteAsync(new RedisCommand("CONFIG", "SET", "port", port), Stop);
        var records = (await Records.ReadAsync(bench.Store)).Select(j => Records.KeyOf(j.Payload)).ToList();
        var kept = (await Records.ListedAsync(bench)).Concat(records).ToHashSet();
        var stand = await Records.StandAsync(bench);
        silo.Thaw();
        FaultBench.Say($"The replica has {kept.Count} of {items.Count + late.Count} items, {stand.Outcomes} outcomes of at least {Jobs / 5 + Jobs / 10}.");
        Assert.True(items.All(i => kept.Contains(i.Key)), "What was pushed before stands in the replica.");
        Assert.True(stand.Outcomes < Jobs / 5 + Jobs / 10, $"Nothing was lost: {stand}");

        var later = FaultLoad.Mixed("later", 200, bench.Random);
        await bench.PushAsync(later);
        IReadOnlyList<FaultItem> all = [.. items.Concat(late).Where(i => kept.Contains(i.Key)), .. later];
        await Records.SettledAsync(bench, all.Count);
        await Checker.HoldsAsync(bench, all, new Expectations { StoreForgot = true, Lost = true });
    }
}
