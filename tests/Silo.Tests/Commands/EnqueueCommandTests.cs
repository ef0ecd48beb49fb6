using System.Text;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary><c>gristmill enqueue</c></summary>
public sealed class EnqueueCommandTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Enqueue_with_all_options_makes_that_job()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        var parent = (await cli.RunAsync("enqueue", "asr", "{}", "--json")).Expect(0).Json.GetProperty("id").GetString()!;
        (await cli.RunAsync(
            "enqueue", "asr", """{"chunk":7}""", "--id", "clip-7", "--session", "s1", "--priority", "high", "--max-attempts", "2",
            "--timeout", "1.5", "--depends-on", parent, "--reply-to", "answers:7")).Expect(0);
        var view = await (await cli.Cluster.SiloAsync()).Store.GetAsync("clip-7", Stop);

        Assert.NotNull(view);
        Assert.Equal(
            ("s1", 2, 1, 1500L, "answers:7", JobState.Deferred, """{"chunk":7}"""),
            (view.Header.SessionId, view.Header.Priority, view.Header.MaxRetries!.Value, view.Header.Timeout!.Value, view.Header.ReplyTo, view.State, Encoding.UTF8.GetString(view.Payload.Span)));
    }

    [Fact]
    public async Task Enqueue_takes_several_dependencies_and_unix_seconds()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        (await cli.RunAsync("enqueue", "asr", "{}", "--id", "late", "--run-at", "4000000000.5")).Expect(0);
        (await cli.RunAsync("enqueue", "asr", "{}", "--id", "child", "--depends-on", "late,b", "--depends-on", "c", "d")).Expect(0);

        Assert.Equal(4_000_000_000_500, (await silo.Store.GetAsync("late", Stop))!.Header.Due);
        Assert.Equal(["late", "b", "c", "d"], (await silo.Store.GetAsync("child", Stop))!.Header.DependsOn);
    }

    [Fact]
    public async Task Enqueue_known_id_and_conflict_are_told_apart()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        Assert.Equal("asr took the job a\n", (await cli.RunAsync("enqueue", "asr", "{}", "--id", "a")).Expect(0).Out);
        Assert.Equal("asr has the job a already\n", (await cli.RunAsync("enqueue", "asr", "{}", "--id", "a")).Expect(0).Out);
        var conflict = (await cli.RunAsync("enqueue", "asr", """{"n":2}""", "--id", "a")).Expect(1);
        Assert.Contains("another payload", conflict.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Enqueue_payload_comes_from_a_file_or_standard_input()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await File.WriteAllTextAsync(Path.Combine(cli.Folder, "clip.json"), """{"from":"file"}""", Stop);
        (await cli.RunAsync("enqueue", "asr", "@clip.json", "--id", "f")).Expect(0);
        (await cli.RunAsync(new StringWriter(), """{"from":"stdin"}""" + "\n", "enqueue", "asr", "-", "--id", "i")).Expect(0);
        var missing = (await cli.RunAsync("enqueue", "asr", "@nowhere.json")).Expect(2);

        Assert.Equal("""{"from":"file"}""", Encoding.UTF8.GetString((await cli.Cluster.Queue.GetAsync("f", Stop))!.Payload.Span));
        Assert.Equal("""{"from":"stdin"}""", Encoding.UTF8.GetString((await cli.Cluster.Queue.GetAsync("i", Stop))!.Payload.Span));
        Assert.Contains("nowhere.json", missing.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Enqueue_queue_that_no_silo_serves_is_warned_of_with_the_name_that_is_alike()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        var result = (await cli.RunAsync("enqueue", "asrr", "{}")).Expect(0);
        Assert.Contains("No silo serves the queue 'asrr'", result.Error, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'asr'?", result.Error, StringComparison.Ordinal);
    }
}
