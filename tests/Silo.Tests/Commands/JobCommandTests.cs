using System.Text.Json;
using Gristmill.Client;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary><c>gristmill job</c></summary>
public sealed class JobCommandTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Job_show_is_a_table_or_json()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        await cli.Cluster.Queue.EnqueueRawAsync("""{"chunk":1}"""u8.ToArray(), new EnqueueOptions { Id = "a", SessionId = "s1" }, Stop);
        await silo.CompleteAsync(await silo.StartOneAsync(), """{"text":"Grüße"}""");
        var table = (await cli.RunAsync("job", "show", "asr", "a")).Expect(0).Out;
        var json = (await cli.RunAsync("job", "show", "asr", "a", "--json")).Expect(0).Json;

        Assert.Matches(@"state\s+completed", table);
        Assert.Contains("Grüße", table, StringComparison.Ordinal);
        Assert.Equal(("completed", "Grüße"), (json.GetProperty("state").GetString(), json.GetProperty("result").GetProperty("text").GetString()));
    }

    [Fact]
    public async Task Job_list_shows_ids_by_state_and_page()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        foreach (var id in new[] { "a", "b", "c" }) (await cli.RunAsync("enqueue", "asr", "{}", "--id", id)).Expect(0);
        await silo.CompleteAsync(await silo.StartOneAsync());

        var all = (await cli.RunAsync("job", "list", "asr")).Expect(0).Out;
        Assert.Matches(@"(?s)c\s+queued\s+0.*b\s+queued\s+0.*a\s+completed\s+1", all);
        var queued = (await cli.RunAsync("job", "list", "asr", "--state", "queued", "--limit", "1")).Expect(0).Out;
        Assert.DoesNotContain("completed", queued, StringComparison.Ordinal);
        Assert.Contains("more with --cursor ", queued, StringComparison.Ordinal);
        Assert.Equal("a", Assert.Single((await cli.RunAsync("job", "list", "asr", "--state", "completed", "--json")).Expect(0).Json.GetProperty("jobs").EnumerateArray()).GetProperty("id").GetString());
        Assert.Contains("asr has no dead jobs", (await cli.RunAsync("job", "list", "asr", "--state", "dead")).Expect(0).Out, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'queued'?", (await cli.RunAsync("job", "list", "asr", "--state", "queud")).Expect(2).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Job_show_unknown_job_or_queue_is_1_with_what_to_do()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        var job = (await cli.RunAsync("job", "show", "asr", "nobody")).Expect(1);
        var queue = (await cli.RunAsync("job", "show", "asd", "nobody")).Expect(1);

        Assert.Contains("no job 'nobody'", job.Error, StringComparison.Ordinal);
        Assert.Contains("gristmill queues show asr", job.Error, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'asr'?", queue.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, 0, "completed")]
    [InlineData(false, 1, "dead")]
    public async Task Job_watch_tells_lines_and_ends_with_the_outcome_as_status(bool completes, int status, string outcome)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        var handle = await cli.Cluster.Queue.EnqueueRawAsync("{}"u8.ToArray(), cancellationToken: Stop);
        var lines = new SignalWriter();
        var watch = cli.RunAsync(lines, null, "job", "watch", "asr", handle.Id, "--json");
        await lines.WaitForAsync("queued");
        var seq = await silo.StartOneAsync();
        await lines.WaitForAsync("running");
        await silo.ProgressAsync(seq, 1, 2, "half");
        await lines.WaitForAsync("half");
        if (completes) await silo.CompleteAsync(seq, "7");
        else await silo.BuryAsync(seq);
        var result = (await watch.WaitAsync(Limit, Stop)).Expect(status);
        var events = result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement).ToList();

        Assert.Equal(["state", "state", "progress", "state"], events.Select(e => e.GetProperty("event").GetString()!));
        Assert.Equal(outcome, events[^1].GetProperty("job").GetProperty("state").GetString());
    }

    [Fact]
    public async Task Job_watch_without_a_terminal_writes_plain_lines()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        var handle = await cli.Cluster.Queue.EnqueueRawAsync("{}"u8.ToArray(), cancellationToken: Stop);
        var lines = new SignalWriter();
        var watch = cli.RunAsync(lines, null, "job", "watch", "asr", handle.Id);
        await lines.WaitForAsync("queued");
        var seq = await silo.StartOneAsync();
        await lines.WaitForAsync("running, attempt 1 on hand");
        await silo.ProgressAsync(seq, 1, 2, "half");
        await lines.WaitForAsync("progress 1 of 2 (50 %): half");
        await silo.CompleteAsync(seq);
        var result = (await watch.WaitAsync(Limit, Stop)).Expect(0);
        Assert.DoesNotContain('\u001b', result.Out);
    }

    [Fact]
    public async Task Job_watch_on_a_terminal_moves_a_bar_and_ends_with_the_outcome()
    {
        Tools.Require(Tools.Script);
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        var handle = await cli.Cluster.Queue.EnqueueRawAsync("{}"u8.ToArray(), cancellationToken: Stop);
        var said = new SignalWriter();
        var program = Path.Combine(AppContext.BaseDirectory, "gristmill.dll");
        var environment = new Dictionary<string, string>(cli.Variables) { ["TERM"] = "xterm-256color" };
        await using var watch = await ChildProcess.StartAsync(
            Tools.Script.Program, ["-qfec", $"stty cols 120; exec dotnet '{program}' job watch asr {handle.Id}", "/dev/null"], cli.Folder, environment, said.WriteLine);
        await said.WaitForAsync("queued");
        var seq = await silo.StartOneAsync();
        await said.WaitForAsync("running, attempt 1 on hand");
        await silo.ProgressAsync(seq, 1, 2, "[half] of it");
        await said.WaitForAsync("[half] of it");
        await said.WaitForAsync("50%");
        await silo.CompleteAsync(seq, """{"n":7}""");
        await watch.WaitForExitAsync(Limit);

        Assert.Equal(0, watch.ExitCode);
        Assert.Contains("\u001b[", watch.Output, StringComparison.Ordinal);
        Assert.Matches(@"state\s+completed", watch.Output);
        Assert.Contains("\"n\": 7", watch.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Job_cancel_and_retry_do_it_or_say_why_not()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        (await cli.RunAsync("enqueue", "asr", "{}", "--id", "a")).Expect(0);
        (await cli.RunAsync("job", "retry", "asr", "a")).Expect(1);
        (await cli.RunAsync("job", "cancel", "asr", "a", "--reason", "enough")).Expect(0);
        Assert.Equal("enough", (await cli.Cluster.Queue.GetAsync("a", Stop))?.Reason);
        Assert.Contains("outcome already", (await cli.RunAsync("job", "cancel", "asr", "a")).Expect(1).Error, StringComparison.Ordinal);
        (await cli.RunAsync("job", "retry", "asr", "a")).Expect(0);
        Assert.Equal(JobState.Queued, (await cli.Cluster.Queue.GetAsync("a", Stop))?.State);
    }
}
