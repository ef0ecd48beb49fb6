using Gristmill.FaultHandlers;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Cluster;

/// <summary>A silo that its cluster has lost: what it says of that while it lasts, and afterwards.</summary>
public sealed class CutOffTests
{
    private static string Alive => $"gristmill:cluster:{{{FaultBench.Service}/default}}:alive";

    [Fact]
    public async Task Silo_that_cannot_renew_its_membership_is_not_ready_and_becomes_so_again()
    {
        await using var bench = await FaultBench.StartAsync();
        var settings = new SiloSettings { Url = $"http://127.0.0.1:{Ports.Next()}" };
        using var health = new SiloHealth(settings.Url);
        var silo = await bench.StartSiloAsync(settings);
        await health.ReadyAsync();

        // Redis answers, and the queues are served: only the membership cannot be renewed.
        await bench.SpoilAsync(Alive);
        Assert.Contains("WRONGTYPE", await health.UnreadyAsync("cut_off"), StringComparison.Ordinal);
        Assert.Equal(["cut_off"], (await health.AskAsync()).Findings.Keys);
        await silo.SaysAsync("is cut off from its cluster");
        await bench.RepairAsync(Alive);
        await health.ReadyAsync();
        await silo.SaysAsync("it was not counted out");
        Assert.Single(silo.Lines("cannot renew its membership"));
    }

    [Fact]
    public async Task Silo_whose_way_to_Redis_is_deaf_names_what_it_cannot_do_while_another_stays_ready()
    {
        await using var bench = await FaultBench.StartAsync();
        var proxy = bench.OpenProxy();
        var settings = new SiloSettings { Name = "deaf", Proxy = proxy, Url = $"http://127.0.0.1:{Ports.Next()}" };
        var other = new SiloSettings { Name = "other", Url = $"http://127.0.0.1:{Ports.Next()}" };
        using var health = new SiloHealth(settings.Url);
        using var others = new SiloHealth(other.Url);
        var silo = await bench.StartSiloAsync(settings);
        await bench.StartSiloAsync(other);
        await health.ReadyAsync();
        proxy.StallReplies();
        await health.UnreadyAsync("redis_unavailable");
        await health.UnreadyAsync("cut_off");
        Assert.Contains("renew", await health.UnreadyAsync("queue_not_served"), StringComparison.Ordinal);
        await others.ReadyAsync();
        proxy.Resume();
        await health.ReadyAsync();

        // What it sent arrived, so that it may have stayed a member.
        await silo.SaysAsync("it is a member again", l => l.Contains("renews its membership again", StringComparison.Ordinal) || l.Contains("has rejoined the cluster", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Silo_that_was_frozen_tells_what_it_lost_what_it_gave_up_and_as_what_it_came_back()
    {
        await using var bench = await FaultBench.StartAsync();
        var silo = await bench.StartSiloAsync(new SiloSettings { Name = "frozen", Concurrency = 2 }.WithDefaultLeases());
        var items = FaultLoad.Json($$"""{"k":"held","gate":"{{Path.Combine(bench.Folder, "gate")}}"}""");
        await bench.PushAsync([new FaultItem("held", items)]);
        await bench.Ledger.HasAsync("it runs a job", l => l.ProcessId == silo.Id);
        var other = await bench.StartSiloAsync(new SiloSettings { Name = "other" }.WithDefaultLeases());
        silo.Freeze();
        await bench.Ledger.HasAsync("the other has taken the job over", l => l.ProcessId == other.Id && l.Mark == LedgerMark.Start);
        await other.SaysAsync("The member frozen@");
        silo.Thaw();
        await silo.SaysAsync("has registered its activations again");
        await FaultBench.UntilAsync("it holds a lease again", () => silo.Lines("lease held as generation").Count == 2);
        AssertOrder(silo, "stood still for", "is cut off from its cluster", "was counted out of the cluster", "has rejoined the cluster as a new generation", "has registered its activations again");
        AssertOrder(silo, "lease could not be renewed", "Joining anew, as generation", "lease held as generation");

        // Its handler may answer before it knows that the lease is gone, or after: what it did counts nowhere, and that is said.
        Assert.Contains(silo.Lines(""), l => l.Contains("its result will be dropped", StringComparison.Ordinal) || l.Contains("the outcome was refused", StringComparison.Ordinal));

        // Each line names what follows: the generation that it joins with.
        var next = Word(Assert.Single(silo.Lines("was counted out")), "joins again as ");
        Assert.Equal(next, Word(Assert.Single(silo.Lines("has rejoined")), "] "));
        var lease = Word(Assert.Single(silo.Lines("Joining anew")), "as generation ");
        Assert.Equal(lease, Word(silo.Lines("lease held as generation")[^1], "as generation "));
        Assert.Empty(silo.Lines("The member frozen@"));
    }

    private static void AssertOrder(SiloProcess silo, params string[] said)
    {
        var lines = silo.Lines("");
        var at = said.Select(text => lines.ToList().FindLastIndex(l => l.Contains(text, StringComparison.Ordinal))).ToList();
        Assert.True(at.Zip(at.Skip(1)).All(pair => pair.First < pair.Second) && at[0] >= 0, $"Expected in this order: {string.Join(" → ", said)}. At the lines: {string.Join(", ", at)}. The log:\n{silo.Tail(40)}");
    }

    private static string Word(string line, string behind)
    {
        var from = line.IndexOf(behind, StringComparison.Ordinal) + behind.Length;
        return line[from..].Split(' ')[0].TrimEnd('.');
    }
}
