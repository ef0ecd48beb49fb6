using System.Text.Json;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Tests.Handlers;
using Gristmill.Grains.Workers;

namespace Gristmill.Grains.Tests.Workers;

/// <summary>Workers that behave.</summary>
public sealed class WorkerPoolTests
{
    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Job_reaches_the_worker_with_all_its_fields()
    {
        await using var pool = await Pools.StartAsync();
        var result = await pool.RunAsync("{\n \"a\": [1,\r\n 2] }", TestEnd);
        var job = JsonDocument.Parse(Attempts.ResultOf(result)).RootElement;
        Assert.Equal("job", job.GetProperty("type").GetString());
        Assert.Equal("asr", job.GetProperty("queue").GetString());
        Assert.Equal("job-1", job.GetProperty("job_id").GetString());
        Assert.Equal("s1", job.GetProperty("session_id").GetString());
        Assert.Equal(2, job.GetProperty("attempt").GetInt32());
        Assert.Equal(5, job.GetProperty("max_attempts").GetInt32());
        Assert.Equal("2026-01-02T03:04:05Z", job.GetProperty("enqueued_at").GetString());
        Assert.Equal("silo:7", job.GetProperty("fencing_token").GetString());
        Assert.Equal("asr/job-1", job.GetProperty("idempotency_key").GetString());
        Assert.StartsWith("00-4bf9", job.GetProperty("traceparent").GetString(), StringComparison.Ordinal);
        Assert.Equal("""{"a": [1, 2]}""", JsonSerializer.Serialize(job.GetProperty("payload")).Replace("\":[1,2", "\": [1, 2", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(new byte[] { 0xff, 0x00 })]
    [InlineData(new byte[] { (byte)'"', 0xff, (byte)'"' })]
    [InlineData(new byte[] { (byte)'{' })]
    [InlineData(new byte[0])]
    public async Task Payload_that_is_not_json_reaches_the_worker_as_base64(byte[] payload)
    {
        await using var pool = await Pools.StartAsync();
        var result = await pool.RunAsync(Attempts.Of(payload), new ProgressLog(), TestEnd);
        var job = JsonDocument.Parse(Attempts.ResultOf(result)).RootElement;
        Assert.Equal(payload, job.GetProperty("payload_base64").GetBytesFromBase64());
        Assert.False(job.TryGetProperty("payload", out _));
    }

    [Fact]
    public async Task Worker_starts_in_its_folder_with_its_environment()
    {
        var options = Pools.Options();
        options.WorkingDirectory = "/tmp";
        options.Environment["CUDA_VISIBLE_DEVICES"] = "3";
        options.Environment["HOME"] = null;
        await using var pool = await Pools.StartAsync(options);
        Assert.Equal("\"3\"", Attempts.ResultOf(await pool.DoAsync("env", ""","name":"CUDA_VISIBLE_DEVICES" """)));
        Assert.Equal("", Attempts.ResultOf(await pool.DoAsync("env", ""","name":"HOME" """)));
        Assert.Equal("\"/tmp\"", Attempts.ResultOf(await pool.DoAsync("cwd")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Worker_gets_what_the_silo_knows_of_Redis_only_when_told_to(bool told)
    {
        string[] own = ["REDIS_URL", "Gristmill__Redis", "GRISTMILL__QUEUES__ASR__WORKER__ENVIRONMENT__TOKEN", "DOTNET_Gristmill__Redis", "REDISCLI_AUTH", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"];
        foreach (var name in own) Environment.SetEnvironmentVariable(name, "redis://:secret@10.0.0.1");
        Environment.SetEnvironmentVariable("GRISTMILLS_LIKE_THIS", "other");
        var options = Pools.Options();
        options.PassSiloEnvironment = told;
        await using var pool = await Pools.StartAsync(options);
        async Task<string> SeesAsync(WorkerPool by, string name) => Attempts.ResultOf(await by.DoAsync("env", $""","name":"{name}" """));

        foreach (var name in own) Assert.Equal(told ? "\"redis://:secret@10.0.0.1\"" : "", await SeesAsync(pool, name));
        Assert.Equal("\"other\"", await SeesAsync(pool, "GRISTMILLS_LIKE_THIS"));
        options.Environment["REDIS_URL"] = "redis://its.own";
        await using var given = await Pools.StartAsync(options);
        Assert.Equal("\"redis://its.own\"", await SeesAsync(given, "REDIS_URL"));
    }

    [Fact]
    public async Task Worker_reports_progress_of_its_job_only()
    {
        await using var pool = await Pools.StartAsync();
        var progress = new ProgressLog();
        var result = await pool.RunAsync(Attempts.Of("""{"do":"progress"}"""), progress, TestEnd);
        Assert.Equal("\"done\"", Attempts.ResultOf(result));
        Assert.Equal([(1, 4, "first"), (2, 4, null)], progress.Reports);
    }

    [Theory]
    [InlineData("retry", "no", nameof(AttemptErrorKind.Retry))]
    [InlineData("fatal", "no", nameof(AttemptErrorKind.Fatal))]
    [InlineData("oom", "no", nameof(AttemptErrorKind.OutOfMemory))]
    [InlineData("cancelled", "nobody asked", nameof(AttemptErrorKind.Retry))]
    [InlineData("unheard of", "no", nameof(AttemptErrorKind.Retry))]
    [InlineData("retry", "CUDA out of memory. Tried", nameof(AttemptErrorKind.OutOfMemory))]
    public async Task Worker_error_fails_the_job_with_its_kind(string kind, string message, string expected)
    {
        await using var pool = await Pools.StartAsync();
        var error = Attempts.ErrorOf(await pool.DoAsync("error", $""","kind":"{kind}","message":"{message}" """));
        Assert.Equal((expected, "ValueError", message, "trace"), (error.Kind.ToString(), error.Type, error.Message, error.Detail));
    }

    [Fact]
    public async Task Result_past_the_bound_is_fatal_and_the_worker_goes_on()
    {
        await using var pool = await Pools.StartAsync();
        var error = Attempts.ErrorOf(await pool.DoAsync("size", $""","bytes":{Pools.MaxResultBytes} """));
        Assert.Equal((AttemptErrorKind.Fatal, "ResultTooLarge"), (error.Kind, error.Type));
        Assert.Equal(Pools.MaxResultBytes, Attempts.ResultOf(await pool.DoAsync("size", $""","bytes":{Pools.MaxResultBytes - 2} """)).Length);
        Assert.Equal("", Attempts.ResultOf(await pool.DoAsync("none")));
        Assert.Equal(1, pool.Counters.Starts);
    }

    [Fact]
    public async Task Payload_past_the_line_bound_is_fatal_and_the_worker_goes_on()
    {
        await using var pool = await Pools.StartAsync();
        var error = Attempts.ErrorOf(await pool.DoAsync("echo", $""","x":"{new string('x', 256 * 1024)}" """));
        Assert.Equal((AttemptErrorKind.Fatal, "PayloadTooLarge"), (error.Kind, error.Type));
        Assert.Contains("262144", error.Message, StringComparison.Ordinal);
        Assert.Equal("", Attempts.ResultOf(await pool.DoAsync("none")));
    }

    [Fact]
    public async Task Log_message_of_a_worker_carries_the_job()
    {
        var logs = new ScopeLog();
        await using var pool = await Pools.StartAsync(Pools.Options(), logs);
        Assert.Equal("", Attempts.ResultOf(await pool.DoAsync("log")));
        Assert.Contains(
            "Worker asr/0: from the worker [Queue=asr JobId=job-1 SessionId=s1 Attempt=2 TraceId=4bf92f3577b34da6a3ce929d0e0e4736]",
            logs.Lines);
    }

    [Fact]
    public async Task More_jobs_than_workers_wait_in_line()
    {
        var options = Pools.Options();
        options.Count = 2;
        await using var pool = await Pools.StartAsync(options);
        await Wait.UntilAsync(() => pool.Concurrency == 2);

        // Both are busy when the others come: a quick one could do all while this test is not given the processor.
        var progress = new ProgressLog[] { new(), new() };
        using var go = new CancellationTokenSource();
        var first = progress.Select(p => pool.RunAsync(Attempts.Of("""{"do":"wait-for-cancel","then":"finish"}"""), p, go.Token).AsTask()).ToList();
        await Task.WhenAll(progress.Select(p => p.First));
        var line = Enumerable.Range(0, 50).Select(_ => pool.DoAsync("pid")).ToList();
        Assert.All(line, l => Assert.False(l.IsCompleted));
        await go.CancelAsync();
        await Task.WhenAll(first);
        Assert.All(await Task.WhenAll(line), r => Attempts.ResultOf(r));
        Assert.Contains("2 worker(s), 2 ready: python3", pool.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Job_cancelled_in_line_never_starts()
    {
        await using var pool = await Pools.StartAsync();
        var progress = new ProgressLog();
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        var running = pool.RunAsync(Attempts.Of("""{"do":"wait-for-cancel","then":"finish"}"""), progress, first.Token);
        await progress.First;
        var waiting = pool.RunAsync(Attempts.Of("""{"do":"pid"}"""), progress, second.Token);
        await second.CancelAsync();
        Assert.IsType<AttemptResult.Cancelled>(await waiting);
        await first.CancelAsync();
        Assert.Equal("\"finished anyway\"", Attempts.ResultOf(await running));
        Assert.IsType<AttemptResult.Cancelled>(await pool.RunAsync("""{"do":"pid"}""", first.Token));
    }

    [Fact]
    public async Task Cancelled_job_that_the_worker_gives_up_is_cancelled_and_the_worker_stays()
    {
        await using var pool = await Pools.StartAsync();
        var progress = new ProgressLog();
        using var cancel = new CancellationTokenSource();
        var running = pool.RunAsync(Attempts.Of("""{"do":"wait-for-cancel"}"""), progress, cancel.Token);
        await progress.First;
        await cancel.CancelAsync();
        Assert.IsType<AttemptResult.Cancelled>(await running);
        Assert.Equal($"{progress.Reports[0].Done}", Attempts.ResultOf(await pool.DoAsync("pid")));
    }

    [Fact]
    public async Task Worker_is_recycled_after_its_jobs()
    {
        var options = Pools.Options();
        options.MaxJobs = 3;
        await using var pool = await Pools.StartAsync(options);
        List<string> workers = [];
        for (var i = 0; i < 7; i++)
        {
            workers.Add(Attempts.ResultOf(await pool.DoAsync("pid")));
        }

        Assert.Equal([3, 3, 1], workers.GroupBy(worker => worker).Select(group => group.Count()));
    }

    [Fact]
    public async Task Pool_that_is_disposed_leaves_no_process_and_takes_no_job()
    {
        var options = Pools.Options("deaf-ignore-term");
        options.Count = 2;
        var pool = await Pools.StartAsync(options);
        var workers = pool.ProcessIds;
        var guard = pool.Guard.ProcessId;
        await pool.DisposeAsync();
        Assert.Equal(2, workers.Count);
        Assert.All(workers, worker => Assert.True(Wait.IsDead(worker)));
        await Wait.UntilAsync(() => Wait.IsDead(guard));
        Assert.Equal(AttemptErrorKind.WorkerLost, Attempts.ErrorOf(await pool.DoAsync("pid")).Kind);
    }

    [Fact]
    public void Options_out_of_bounds_are_refused_with_option_value_and_bound()
    {
        var error = Assert.Throws<RunnerStartException>(() => Pools.Create(new WorkerOptions
        {
            Count = 0,
            HeartbeatTimeoutSeconds = 6,
            WorkingDirectory = "/nowhere",
            MemoryLimitBytes = 5,
        }));
        Assert.Contains("Queues:asr:Worker:Command is empty; it must name a program.", error.Message, StringComparison.Ordinal);
        Assert.Contains("Queues:asr:Worker:Count is 0; it must be from 1 to 256.", error.Message, StringComparison.Ordinal);
        Assert.Contains("HeartbeatTimeoutSeconds is 6; it must be from 10 to 3600.", error.Message, StringComparison.Ordinal);
        Assert.Contains("WorkingDirectory is '/nowhere'", error.Message, StringComparison.Ordinal);
        Assert.Contains("MemoryLimitBytes is 5", error.Message, StringComparison.Ordinal);
        Assert.Empty(WorkerOptionsValidation.Validate(new WorkerOptions { Command = ["x"] }, "w"));
    }
}
