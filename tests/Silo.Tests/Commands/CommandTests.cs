using System.Text;
using System.Text.Json;
using Gristmill.Client;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

public sealed class CommandTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

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
    public async Task DeadLetters_of_an_unknown_reason_names_the_known()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var refused = (await cli.RunAsync("dead-letters", "requeue", "asr", "--reason", "timeot")).Expect(2);
        Assert.Contains("--reason is 'timeot'; it must be one of retries, timeout, fatal,", refused.Error, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'timeout'?", refused.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("redis://:wrong@127.0.0.1:{0}/0", "WRONGPASS", "The user or the password in the address is wrong.")]
    [InlineData("redis://127.0.0.1:{0}/0", "NOAUTH", "It asks for a password.")]
    [InlineData("redis://:open-sesame@127.0.0.1:{0}/99", "DB index is out of range", "The number at the end of the address is the database")]
    public async Task Redis_that_refuses_is_quoted_with_what_to_do(string address, string said, string advice)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await using var server = await Stores.StartAsync(StoreKind.Redis, password: "open-sesame");
        foreach (var line in new[] { "queues", "enqueue asr {}" })
        {
            var result = (await cli.RunAsync([.. line.Split(' '), "--redis", address.Replace("{0}", $"{server.Port}", StringComparison.Ordinal)])).Expect(1);
            Assert.Contains(said, result.Error, StringComparison.Ordinal);
            Assert.Contains(advice, result.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("not reachable", result.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("sesame", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Embedded_store_that_was_killed_is_said_with_what_to_do()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        cli.Variables.Remove("REDIS_URL");
        Directory.CreateDirectory(Path.Combine(cli.Folder, ".gristmill"));
        await File.WriteAllTextAsync(Path.Combine(cli.Folder, ".gristmill", "endpoint"), "redis://127.0.0.1:1\n", Stop);
        foreach (var line in new[] { "queues", "enqueue asr {}" })
        {
            var result = (await cli.RunAsync(line.Split(' '))).Expect(1);
            Assert.Contains("does not run any more", result.Error, StringComparison.Ordinal);
            Assert.Contains("gristmill silo --queue", result.Error, StringComparison.Ordinal);
        }
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

    [Fact]
    public async Task Queue_that_no_silo_ever_served_is_listed_and_warned_of()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        (await cli.RunAsync("enqueue", "asrr", "{}")).Expect(0);
        Assert.Matches(@"asrr\s+open\s+0\s+1\s", (await cli.RunAsync("queues")).Expect(0).Out);
        var again = (await cli.RunAsync("enqueue", "asrr", "{}")).Expect(0);
        Assert.Contains("No silo serves the queue 'asrr' now; the job waits until one does. Did you mean 'asr'?", again.Error, StringComparison.Ordinal);
        Assert.Contains("No silo serves the queue 'asrr' now. Did you mean 'asr'?", (await cli.RunAsync("queues", "pause", "asrr")).Expect(0).Error, StringComparison.Ordinal);
        foreach (var line in new[] { "queues pause asx", "dead-letters list asx", "dead-letters purge asx --all" })
        {
            Assert.Contains("Did you mean 'asr'?", (await cli.RunAsync(line.Split(' '))).Expect(1).Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("enqueue asr")]
    [InlineData("enqueue asr [1]")]
    [InlineData("enqueue asr {} --priority urgent")]
    [InlineData("enqueue asr {} --max-attempts x")]
    [InlineData("enqueue asr {} --max-attempts 0")]
    [InlineData("enqueue asr {} --timeout 0")]
    [InlineData("enqueue asr {} --run-at tomorrow")]
    [InlineData("enqueue a/b {}")]
    [InlineData("queues shw asr")]
    [InlineData("jobs")]
    [InlineData("dead-letters purge asr")]
    [InlineData("dead-letters purge asr --reason timeot")]
    [InlineData("dead-letters requeue asr --reason timeot")]
    [InlineData("enqueue asr {} --run-at -5")]
    [InlineData("dead-letters purge asr x --all")]
    [InlineData("dead-letters list asr --limit 0")]
    [InlineData("queues --service no/slash")]
    [InlineData("queues --redis http://localhost")]
    public async Task Command_called_wrongly_is_2_and_says_why(string line)
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        var result = (await cli.RunAsync(line.Split(' '))).Expect(2);
        Assert.NotEmpty(result.Error);
    }

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

    [Fact]
    public async Task Queues_list_show_and_modes()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        await cli.Cluster.SiloAsync();
        (await cli.RunAsync("enqueue", "asr", "{}")).Expect(0);
        Assert.Matches(@"asr\s+open\s+0\s+1\s", (await cli.RunAsync("queues")).Expect(0).Out);
        foreach (var line in new[] { "queues --json", "queues list --json" })
        {
            Assert.Equal("asr", Assert.Single((await cli.RunAsync(line.Split(' '))).Expect(0).Json.GetProperty("queues").EnumerateArray()).GetProperty("name").GetString());
        }

        Assert.Equal("asr is paused\n", (await cli.RunAsync("queues", "pause", "asr")).Expect(0).Out);
        Assert.Equal("paused", (await cli.RunAsync("queues", "show", "asr", "--json")).Expect(0).Json.GetProperty("state").GetString());
        Assert.Equal("asr is draining\n", (await cli.RunAsync("queues", "drain", "asr")).Expect(0).Out);
        Assert.Equal("open", (await cli.RunAsync("queues", "resume", "asr", "--json")).Expect(0).Json.GetProperty("state").GetString());
        Assert.Matches(@"silos\s+hand", (await cli.RunAsync("queues", "show", "asr")).Expect(0).Out);
        Assert.Contains("Did you mean 'asr'?", (await cli.RunAsync("queues", "pause", "ars")).Expect(1).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DeadLetters_list_show_requeue_and_purge()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        foreach (var (id, reason) in new[] { ("a", "fatal"), ("b", "timeout"), ("c", "timeout"), ("d", "fatal") })
        {
            (await cli.RunAsync("enqueue", "asr", """{"chunk":1}""", "--id", id)).Expect(0);
            await silo.BuryAllAsync(reason);
        }

        Assert.Matches(@"a\s+fatal\s+1\s", (await cli.RunAsync("dead-letters", "list", "asr")).Expect(0).Out);
        Assert.Equal(4, (await cli.RunAsync("dead-letters", "list", "asr", "--json")).Expect(0).Json.GetProperty("deadLetters").GetArrayLength());
        Assert.Contains("\"chunk\": 1", (await cli.RunAsync("dead-letters", "show", "asr", "a")).Expect(0).Out, StringComparison.Ordinal);
        (await cli.RunAsync("dead-letters", "requeue", "asr", "a", "--payload", """{"chunk":2}""")).Expect(0);
        Assert.Equal("""{"chunk":2}""", Encoding.UTF8.GetString((await cli.Cluster.Queue.GetAsync("a", Stop))!.Payload.Span));
        (await cli.RunAsync("dead-letters", "requeue", "asr", "a")).Expect(1);
        Assert.Equal("2 dead letters of asr are ready again\n", (await cli.RunAsync("dead-letters", "requeue", "asr", "--reason", "timeout")).Expect(0).Out);
        Assert.Equal(1, (await cli.RunAsync("dead-letters", "purge", "asr", "--all", "--json")).Expect(0).Json.GetProperty("purged").GetInt32());
        (await cli.RunAsync("dead-letters", "purge", "asr", "d")).Expect(1);
    }

    [Fact]
    public async Task Refused_job_is_found_by_the_id_of_its_payload()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        await cli.Cluster.Queue.EnqueueRawAsync("{}"u8.ToArray(), cancellationToken: Stop);
        await silo.RefuseAsync(await silo.StartOneAsync(), "invalid_field", "The field 'timeout' is no number.", "clip-7");
        var own = Assert.Single((await cli.Cluster.Queue.DeadLetters.ListAsync(cancellationToken: Stop)).DeadLetters).Id;

        Assert.NotEqual("clip-7", own);
        Assert.Matches(@"invalid_field\s+0\s.*clip-7", (await cli.RunAsync("dead-letters", "list", "asr")).Expect(0).Out);
        var shown = (await cli.RunAsync("dead-letters", "show", "asr", "clip-7")).Expect(0).Out;
        Assert.Matches($@"job\s+asr/{own}\nid in payload\s+clip-7\n", shown);
        Assert.Matches(@"Z invalid_field: The field 'timeout'", shown);
        foreach (var line in new[] { "job show asr clip-7", "dead-letters requeue asr clip-7" })
        {
            Assert.Contains($"gristmill dead-letters show asr {own}", (await cli.RunAsync(line.Split(' '))).Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Traceback_is_shown_line_by_line()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        await cli.Cluster.Queue.EnqueueRawAsync("{}"u8.ToArray(), new EnqueueOptions { Id = "a" }, Stop);
        await silo.BuryAsync(await silo.StartOneAsync(), "fatal", "ValueError: no\nTraceback (most recent call last):\n  File \"w.py\", line 3\n");
        foreach (var line in new[] { "job show asr a", "dead-letters show asr a" })
        {
            var result = (await cli.RunAsync(line.Split(' '))).Expect(0).Out;
            Assert.Contains("attempt 1, error: ValueError: no\n    Traceback (most recent call last):\n      File \"w.py\", line 3\n", result, StringComparison.Ordinal);
            Assert.DoesNotMatch(@" \n", result);
        }

        Assert.DoesNotContain("Traceback", (await cli.RunAsync("dead-letters", "list", "asr")).Expect(0).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Output_of_hostile_jobs_does_not_steer_the_terminal()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var silo = await cli.Cluster.SiloAsync();
        await cli.Cluster.Queue.EnqueueRawAsync("{}"u8.ToArray(), new EnqueueOptions { Id = "a" }, Stop);
        await silo.BuryAsync(await silo.StartOneAsync(), "fatal", "[red]\u001b[2J gone");
        foreach (var line in new[] { "dead-letters list asr", "dead-letters show asr a", "job show asr a" })
        {
            var result = (await cli.RunAsync(line.Split(' '))).Expect(0);
            Assert.DoesNotContain('\u001b', result.Out);
            Assert.Contains("[red]", result.Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Redis_is_found_by_flag_variable_settings_or_embedded_store()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var url = cli.Variables["REDIS_URL"];
        cli.Variables.Remove("REDIS_URL");
        var none = (await cli.RunAsync("queues")).Expect(1);
        Assert.Contains("No Redis is given", none.Error, StringComparison.Ordinal);
        Assert.Contains("REDIS_URL", none.Error, StringComparison.Ordinal);
        Directory.CreateDirectory(Path.Combine(cli.Folder, ".gristmill"));
        await File.WriteAllTextAsync(Path.Combine(cli.Folder, ".gristmill", "endpoint"), url + "\n", Stop);
        (await cli.RunAsync("queues")).Expect(0);
        await File.WriteAllTextAsync(Path.Combine(cli.Folder, "appsettings.json"), """{"Gristmill":{"Redis":"redis://127.0.0.1:1"}}""", Stop);
        Assert.Contains("127.0.0.1:1", (await cli.RunAsync("queues")).Expect(1).Error, StringComparison.Ordinal);
        cli.Variables["Gristmill__Redis"] = url;
        (await cli.RunAsync("queues")).Expect(0);
        cli.Variables["Gristmill__Redis"] = "redis://127.0.0.1:1";
        (await cli.RunAsync("queues", "--redis", url)).Expect(0);
    }

    [Fact]
    public async Task Password_is_never_shown()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        foreach (var address in new[] { "redis://user:open-sesame@127.0.0.1:1", "redis://user:open-sesame@127.0.0.1:99999999", "http://user:open-sesame@localhost" })
        {
            var result = await cli.RunAsync("queues", "--redis", address);
            Assert.NotEqual(0, result.Status);
            Assert.DoesNotContain("sesame", result.Out + result.Error, StringComparison.Ordinal);
        }
    }

    /// <summary>Output that can be waited for.</summary>
    private sealed class SignalWriter : StringWriter
    {
        private readonly Lock _gate = new();
        private TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override void WriteLine(string? value)
        {
            lock (_gate)
            {
                base.WriteLine(value);
                _written.TrySetResult();
                _written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        public async Task WaitForAsync(string text)
        {
            while (true)
            {
                Task next;
                lock (_gate)
                {
                    if (ToString().Contains(text, StringComparison.Ordinal)) return;
                    next = _written.Task;
                }

                await next.WaitAsync(Limit, Stop);
            }
        }
    }
}
