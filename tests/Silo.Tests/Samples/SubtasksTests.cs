using System.Text.Json;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Samples;

/// <summary>samples/subtasks: subtasks that wait for each other, by a Node worker, beside another consumer of the database.</summary>
public sealed class SubtasksTests
{
    private const string Task = "58fcc421";

    [Fact]
    public async Task Subtasks_run_in_the_order_of_what_they_depend_on_and_their_counts_are_merged()
    {
        await using var sample = await CreateAsync();
        await sample.StartAsync();
        Assert.Contains("4 subtasks", await sample.RunBlockAsync("the producer"), StringComparison.Ordinal);
        var merged = await sample.JobAsync("subtasks", $"{Task}-merge", "completed");

        Assert.Equal(
            """{"the":4,"mill":1,"stone":2,"wheel":1}""", JsonSerializer.Serialize(merged.GetProperty("result").GetProperty("counts")));
        Assert.Equal(Task, merged.GetProperty("sessionId").GetString());
        var jobs = (await sample.JobsAsync("subtasks", "completed", 4)).ToDictionary(j => j.GetProperty("id").GetString()!);
        DateTimeOffset At(string step, string member) => jobs[$"{Task}-{step}"].GetProperty(member).GetDateTimeOffset();
        foreach (var count in (string[])["count-0", "count-1"])
        {
            Assert.True(At("split", "finishedAt") <= At(count, "startedAt"), $"{count} started behind split");
            Assert.True(At(count, "finishedAt") <= At("merge", "startedAt"), $"merge started behind {count}");
        }

        // Pushed again, the task is not done again.
        await sample.RunBlockAsync("the producer");
        await Eventually.EqualAsync(
            4, async () => (await sample.GetAsync("/api/queues/subtasks")).GetProperty("totals").GetProperty("duplicates").GetInt32(),
            cancellationToken: TestContext.Current.CancellationToken);
        Assert.Contains("\"stone\": 2", await sample.RunBlockAsync("the subtasks"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Subtasks_of_one_that_failed_are_dead_with_the_reason_and_another_projects_consumer_is_named()
    {
        await using var sample = await CreateAsync();
        await using var other = await sample.StartShellAsync("exec redis-cli -u $REDIS_URL BRPOP work_queue 0");
        await sample.ShellUntilAsync("redis-cli -u $REDIS_URL CLIENT LIST", "cmd=brpop");
        await sample.StartAsync();
        Assert.Contains("waits in BRPOP", await sample.FindingAsync("other_consumer_possible"), StringComparison.Ordinal);

        await sample.ShellAsync("redis-cli -u $REDIS_URL LPUSH agent_system_work_queue '{\"task_id\":\"t\",\"subtask_id\":\"t-0\",\"step\":\"guess\"}' '{\"task_id\":\"t\",\"subtask_id\":\"t-1\",\"step\":\"merge\",\"parts\":0,\"depends_on\":[\"t-0\"]}'");
        var failed = await sample.JobAsync("subtasks", "t-0", "dead");
        Assert.Contains("there is no step 'guess'", failed.GetProperty("errors")[0].GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("dependency_failed", (await sample.JobAsync("subtasks", "t-1", "dead")).GetProperty("reason").GetString());
        Assert.True(other.IsRunning, "the other project's consumer got nothing of ours");
    }

    private static async Task<SampleSilo> CreateAsync()
    {
        Tools.Require(Tools.Node);
        Tools.RequirePythonModule("redis", "python3-redis");
        return await SampleSilo.CreateAsync("subtasks", "WORK");
    }
}
