using System.Globalization;
using System.Text;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Workers;

/// <summary>Workers whose silo is killed, frozen, or was frozen for a while.</summary>
public sealed class SiloEndTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task Silo_killed_by_kill_9_leaves_no_worker_and_nothing_that_workers_started()
    {
        await using var mill = await WorkerMill.StartAsync(2);
        await mill.ProgressAsync(await mill.PushAsync("orphans", ""","then":"hang" """));
        await mill.ProgressAsync(await mill.PushAsync("deaf-hang"));
        Assert.True(mill.Descendants.List().Values.Count(c => c.Contains("sleep 1000", StringComparison.Ordinal)) >= 2, "The orphans live.");
        await mill.Silo.KillAsync();
        await mill.Descendants.OnlyAsync("nothing", _ => false, Bound);
    }

    [Theory]
    [InlineData("python3", "samples/python/word_count.py")]
    [InlineData("node", "samples/node/word_count.mjs")]
    public async Task Worker_of_a_silo_that_is_frozen_ends_by_itself_and_the_silo_starts_another(string program, string worker)
    {
        Tools.Require(program == "node" ? Tools.Node : Tools.Python);
        await using var mill = await WorkerMill.StartAsync(1, settings => settings with
        {
            More = new Dictionary<string, string>(settings.More)
            {
                ["Gristmill__Queues__words__List"] = "words",
                ["Gristmill__Queues__words__Worker__Command"] = $"{program} {Repository.Path(worker)}",
                ["Gristmill__Queues__words__Worker__HeartbeatIntervalSeconds"] = "0.2",
                ["Gristmill__Queues__words__Worker__HeartbeatTimeoutSeconds"] = "1",
            },
        });
        bool IsOurs(string command) => command.Contains(worker, StringComparison.Ordinal);
        var first = Assert.Single(mill.Descendants.List(), p => IsOurs(p.Value)).Key;

        mill.Silo.Freeze();
        await mill.Descendants.OnlyAsync("no such worker", command => !IsOurs(command), TimeSpan.FromSeconds(1) + Bound);
        mill.Silo.Thaw();

        await FaultBench.UntilAsync("another worker", () => mill.Descendants.List().Any(p => IsOurs(p.Value) && p.Key != first));
        await mill.Bench.CommandAsync("RPUSH", "words", """{"transcript":"the mill"}""");
        await FaultBench.UntilAsync("it works", () => mill.Bench.CountAsync(mill.Bench.StoreOf("words")), counts => counts.Totals["completed"] == 1);
    }

    [Fact]
    public async Task Silo_that_stood_still_blames_no_worker_for_what_it_did_not_hear()
    {
        await using var mill = await WorkerMill.StartAsync(1, settings => settings.WithDefaultLeases());
        var worker = await WorkerAsync(mill);

        // Both stand still, as with `docker pause`; the silo goes on first, and has heard nothing for longer than it may.
        Signals.Send(worker, Signals.Stop);
        mill.Silo.Freeze();
        await FaultBench.LastAsync(TimeSpan.FromSeconds(4));
        mill.Silo.Thaw();
        await mill.Silo.SaysAsync("stood still");
        await FaultBench.LastAsync(TimeSpan.FromSeconds(0.5));
        Signals.Send(worker, Signals.Continue);
        Assert.Equal(worker, await WorkerAsync(mill));
        Assert.Empty(mill.Silo.Lines("is lost"));
    }

    private static async Task<int> WorkerAsync(WorkerMill mill)
    {
        var job = await mill.OutcomeAsync(await mill.PushAsync("pid"), FaultBench.Patience);
        Assert.Equal(JobState.Completed, job.State);
        return int.Parse(Encoding.UTF8.GetString(job.Result.Span), CultureInfo.InvariantCulture);
    }
}
