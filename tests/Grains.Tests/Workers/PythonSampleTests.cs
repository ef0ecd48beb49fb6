using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Tests.Handlers;
using Gristmill.Grains.Workers;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.Workers;

/// <summary>The Python worker that users copy, with the sample and with handlers written here.</summary>
public sealed class PythonSampleTests
{
    private const string Handlers =
        """
        from gristmill_worker import handler, run, Fatal, OutOfMemory, Retry
        import os, sys
        @handler
        class Model:
            def setup(self):
                self.loaded = 42
                print("loading from python")
                os.write(1, b"loading from C\n")
            def handle(self, payload, job):
                print("a stray print")
                if payload == "model": return self.loaded
                if payload == "retry": raise Retry("later", detail="why")
                if payload == "fatal": raise Fatal("never")
                if payload == "oom": raise OutOfMemory("big")
                if payload == "memory": raise MemoryError()
                if payload == "value": raise ValueError("CUDA out of memory. Tried to allocate")
                if payload == "other": raise KeyError("k")
                if payload == "nan": return float("nan")
                if payload == "big": return "x" * 200000
                if payload == "log": job.log("hello", "error")
                if payload == "id": return [job.queue, job.id, job.session_id, job.attempt, job.idempotency_key, job.fencing_token]
                if isinstance(payload, bytes): return len(payload)
                if payload == "wait":
                    job.progress(0, 1)
                    job.wait(1000)
        run()
        """;

    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Word_count_counts_and_reports_progress()
    {
        await using var pool = await StartAsync(Path.Combine(Samples, "word_count.py"));
        var progress = new ProgressLog();
        var result = await pool.RunAsync(
            Attempts.Of("""{"session_id":"s1","chunk":7,"transcript":"The mill, the corn: the END"}"""), progress, TestEnd);
        Assert.Equal(
            """{"words":6,"unique":4,"top":[["the",3],["mill",1],["corn",1],["end",1]]}""", Attempts.ResultOf(result));
        Assert.Equal([(6, 6, "counting")], progress.Reports);
        var error = Attempts.ErrorOf(await pool.RunAsync("""{"chunk":7}""", TestEnd));
        Assert.Equal((AttemptErrorKind.Fatal, "Fatal"), (error.Kind, error.Type));
    }

    [Fact]
    public async Task Handler_class_is_set_up_once_and_its_errors_have_kinds()
    {
        await using var pool = await StartAsync("-c", Handlers);
        Assert.Equal("42", Attempts.ResultOf(await pool.RunAsync("\"model\"", TestEnd)));
        Assert.Equal("""["asr","job-1","s1",2,"asr/job-1","silo:7"]""", Attempts.ResultOf(await pool.RunAsync("\"id\"", TestEnd)));
        Assert.Equal("2", Attempts.ResultOf(await pool.RunAsync(Attempts.Of([0xff, 0]), new ProgressLog(), TestEnd)));
        (string Order, AttemptErrorKind Kind, string Type)[] failures =
        [
            ("retry", AttemptErrorKind.Retry, "Retry"),
            ("fatal", AttemptErrorKind.Fatal, "Fatal"),
            ("oom", AttemptErrorKind.OutOfMemory, "OutOfMemory"),
            ("memory", AttemptErrorKind.OutOfMemory, "MemoryError"),
            ("value", AttemptErrorKind.OutOfMemory, "ValueError"),
            ("other", AttemptErrorKind.Retry, "KeyError"),
            ("nan", AttemptErrorKind.Fatal, "Fatal"),
            ("big", AttemptErrorKind.Fatal, "Fatal"),
        ];
        foreach (var (order, kind, type) in failures)
        {
            var error = Attempts.ErrorOf(await pool.RunAsync($"\"{order}\"", TestEnd));
            Assert.Equal((kind, type), (error.Kind, error.Type));
            Assert.Equal(order == "retry", error.Detail == "why");
            if (order is "fatal" or "memory") Assert.DoesNotContain("gristmill_worker.py", error.Detail, StringComparison.Ordinal);
        }

        Assert.Equal((1, 0), (pool.Counters.Starts, pool.Counters.GarbageLines));
    }

    [Fact]
    public async Task Job_that_is_cancelled_stops_and_the_worker_stays()
    {
        await using var pool = await StartAsync("-c", Handlers);
        var progress = new ProgressLog();
        using var cancel = new CancellationTokenSource();
        var running = pool.RunAsync(Attempts.Of("\"wait\""), progress, cancel.Token);
        await progress.First;
        await cancel.CancelAsync();
        Assert.IsType<AttemptResult.Cancelled>(await running);
        Assert.Equal("42", Attempts.ResultOf(await pool.RunAsync("\"model\"", TestEnd)));
        Assert.Equal(1, pool.Counters.Starts);
    }

    [Fact]
    public async Task Handler_of_batches_gets_lists_and_one_bad_job_fails_alone()
    {
        const string batches =
            """
            from gristmill_worker import handler, run, Fatal, OutOfMemory
            @handler(batch=3)
            def lengths(payloads, jobs):
                if "raise" in payloads: raise ValueError("bad one among %d" % len(payloads))
                if "short" in payloads: return []
                return [Fatal("no") if p == "fatal" else [len(payloads), p] for p in payloads]
            run()
            """;
        await using var pool = await StartAsync(options => (options.BatchSize, options.BatchWaitSeconds) = (3, 60), "-c", batches);
        Task<AttemptResult[]> DoAsync(params string[] payloads) => Task.WhenAll(payloads.Select(p => pool.RunAsync($"\"{p}\"", TestEnd)));

        var good = await DoAsync("a", "fatal", "b");
        var raised = await DoAsync("a", "raise", "b");
        var wrong = await DoAsync("a", "short", "b");

        Assert.Equal(["[3,\"a\"]", "[3,\"b\"]"], [Attempts.ResultOf(good[0]), Attempts.ResultOf(good[2])]);
        Assert.Equal((AttemptErrorKind.Fatal, "no"), (Attempts.ErrorOf(good[1]).Kind, Attempts.ErrorOf(good[1]).Message));
        Assert.Equal(["[1,\"a\"]", "[1,\"b\"]"], [Attempts.ResultOf(raised[0]), Attempts.ResultOf(raised[2])]);
        Assert.Equal((AttemptErrorKind.Retry, "bad one among 1"), (Attempts.ErrorOf(raised[1]).Kind, Attempts.ErrorOf(raised[1]).Message));
        Assert.Equal("the handler returned 0 results for 1 jobs", Attempts.ErrorOf(wrong[1]).Message);
        Assert.Equal("[1,\"b\"]", Attempts.ResultOf(wrong[2]));
        Assert.Equal(1, pool.Counters.Starts);
    }

    [Fact]
    public async Task Worker_that_is_stopped_exits_by_itself()
    {
        var logs = new ScopeLog();
        var pool = await StartAsync(logs, "-c", Handlers);
        await pool.DisposeAsync();
        Assert.Contains(logs.Lines, line => line.EndsWith("was ended (Stopped) and ended with exit status 0.", StringComparison.Ordinal));
        Assert.Contains(logs.Lines, line => line.EndsWith("on stderr: loading from C", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"transcript":"a b a"}""", 0, """{"words":3,"unique":2,"top":[["a",2],["b",1]]}""")]
    [InlineData("{}", 1, "")]
    public async Task Payload_can_be_tried_without_a_silo(string payload, int status, string expected)
    {
        Tools.Require(Tools.Python);
        var start = new ProcessStartInfo(Tools.Python.Program)
        {
            ArgumentList = { Path.Combine(Samples, "word_count.py"), "--try", "-" },
            Environment = { ["PYTHONDONTWRITEBYTECODE"] = "1" },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var python = Process.Start(start)!;
        await python.StandardInput.WriteAsync(payload);
        python.StandardInput.Close();
        var output = await python.StandardOutput.ReadToEndAsync(TestEnd);
        await python.WaitForExitAsync(TestEnd);
        Assert.Equal(status, python.ExitCode);
        Assert.Equal(expected, output.Length == 0 ? "" : JsonSerializer.Serialize(JsonDocument.Parse(output).RootElement));
    }

    [Theory]
    [InlineData("stdin")]
    [InlineData("stdout")]
    [InlineData("parent")]
    [InlineData("words")]
    public async Task Worker_without_its_silo_ends_by_itself(string gone)
    {
        Tools.Require(Tools.Python);

        // A parent that is not the tests, so that it can go while the pipes stay open.
        var start = new ProcessStartInfo("sh")
        {
            ArgumentList = { "-c", "exec 3<&0; \"$@\" <&3 & echo $! >&2; wait", "sh", Tools.Python.Program, Path.Combine(Samples, "word_count.py") },
            Environment = { ["PYTHONDONTWRITEBYTECODE"] = "1" },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var silo = Process.Start(start)!;
        var worker = int.Parse((await silo.StandardError.ReadLineAsync(TestEnd))!, CultureInfo.InvariantCulture);
        try
        {
            await silo.StandardInput.WriteLineAsync("""{"type":"hello","protocol":1,"heartbeat_seconds":0.05,"silo_timeout_seconds":0.5}""");
            await silo.StandardInput.FlushAsync(TestEnd);
            Assert.Contains("ready", await silo.StandardOutput.ReadLineAsync(TestEnd), StringComparison.Ordinal);
            if (gone == "stdin") silo.StandardInput.Close();
            else if (gone == "stdout") silo.StandardOutput.Close();
            else if (gone == "parent") silo.Kill();
            await Wait.UntilAsync(() => Wait.IsDead(worker));
        }
        finally
        {
            if (!Wait.IsDead(worker)) Signals.Send(worker, Signals.Kill);
            if (!silo.HasExited) silo.Kill();
        }
    }

    [Fact]
    public async Task Samples_are_written_for_Python_3_9()
    {
        Tools.Require(Tools.Python);
        var files = Directory.GetFiles(Repository.Path("samples"), "*.py", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        string[] check = ["-c", "import ast, sys; [ast.parse(open(f).read(), f, feature_version=(3, 9)) for f in sys.argv[1:]]", .. files];
        await using var python = await ChildProcess.StartAsync(Tools.Python.Program, check);
        await python.WaitForExitAsync(TimeSpan.FromSeconds(60));
        Assert.True(python.ExitCode == 0, python.Output);
    }

    private static string Samples { get; } = Repository.Path("samples/python");

    private static Task<WorkerPool> StartAsync(params string[] arguments) => StartAsync(new ScopeLog(), arguments);

    private static Task<WorkerPool> StartAsync(ScopeLog logs, params string[] arguments) => StartAsync(logs, _ => { }, arguments);

    private static Task<WorkerPool> StartAsync(Action<WorkerOptions> configure, params string[] arguments) => StartAsync(new ScopeLog(), configure, arguments);

    private static Task<WorkerPool> StartAsync(ScopeLog logs, Action<WorkerOptions> configure, params string[] arguments)
    {
        var options = Pools.Options();
        options.Command = [Tools.Python.Program, .. arguments];
        options.CancelGraceSeconds = 10;
        options.Environment["PYTHONPATH"] = Samples;
        options.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        configure(options);
        return Pools.StartAsync(options, logs);
    }
}
