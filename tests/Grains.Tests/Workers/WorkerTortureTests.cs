using System.Text;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Tests.Handlers;
using Gristmill.Grains.Workers;

namespace Gristmill.Grains.Tests.Workers;

/// <summary>Workers that misbehave: each job ends with the right outcome, and the pool serves the next one.</summary>
public sealed class WorkerTortureTests
{
    [Fact]
    public async Task Worker_that_exits_at_start_fails_the_start_with_its_stderr()
    {
        var error = await Assert.ThrowsAsync<RunnerStartException>(() => Pools.StartAsync("exit"));
        Assert.Contains("exit status 3", error.Message, StringComparison.Ordinal);
        Assert.Contains("no model here", error.Message, StringComparison.Ordinal);
        Assert.Contains("'asr'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_that_is_not_there_fails_the_start()
    {
        var options = Pools.Options();
        options.Command = ["gristmill-no-such-program"];
        var error = await Assert.ThrowsAsync<RunnerStartException>(() => Pools.StartAsync(options));
        Assert.Contains("command not found", error.Message, StringComparison.Ordinal);
        Assert.Contains("gristmill-no-such-program", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Worker_that_never_gets_ready_fails_the_start()
    {
        var options = Pools.Options("never");
        options.StartupTimeoutSeconds = 0.3;
        var error = await Assert.ThrowsAsync<RunnerStartException>(() => Pools.StartAsync(options));
        Assert.Contains("StartupTimeoutSeconds (0.3)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Worker_of_another_protocol_fails_the_start()
    {
        var error = await Assert.ThrowsAsync<RunnerStartException>(() => Pools.StartAsync("protocol"));
        Assert.Contains("version 1 of the worker protocol", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("slow", 0)]
    [InlineData("noise", 5)]
    public async Task Worker_that_starts_oddly_serves(string mode, int garbage)
    {
        await using var pool = await Pools.StartAsync(mode);
        Assert.Equal("", Attempts.ResultOf(await pool.DoAsync("none")));
        Assert.Equal(garbage, pool.Counters.GarbageLines);
    }

    [Fact]
    public async Task Start_that_is_cancelled_leaves_no_process()
    {
        using var cancel = new CancellationTokenSource();
        var pool = Pools.Create(Pools.Options("never"));
        var starting = pool.StartAsync(cancel.Token);
        await Wait.UntilAsync(() => pool.ProcessIds.Any(id => id > 0));
        var worker = pool.ProcessIds[0];
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting);
        Assert.True(Wait.IsDead(worker));
    }

    [Theory]
    [InlineData("exit0", "", "exit status 0")]
    [InlineData("half", "", "exit status 7")]
    [InlineData("signal", ""","signal":11""", "139 (SIGSEGV)")]
    [InlineData("signal", ""","signal":6""", "134 (SIGABRT)")]
    [InlineData("long-line", "", "MaxLineBytes (262144)")]
    [InlineData("garbage", "", "100 lines in a row")]
    [InlineData("close-stdout", "", "closed its stdout")]
    public async Task Worker_that_breaks_off_loses_its_job_and_is_replaced(string what, string more, string expected)
    {
        await using var pool = await Pools.StartAsync();
        var error = Attempts.ErrorOf(await pool.DoAsync(what, more));
        Assert.Equal((AttemptErrorKind.WorkerLost, "WorkerLost"), (error.Kind, error.Type));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Equal(what == "half" ? "last words" : null, error.Detail);
        Assert.Equal("", Attempts.ResultOf(await pool.DoAsync("none")));
        Assert.Equal(2, pool.Counters.Starts);
    }

    [Fact]
    public async Task Worker_killed_by_a_stranger_has_run_out_of_memory()
    {
        await using var pool = await Pools.StartAsync();
        var error = Attempts.ErrorOf(await pool.DoAsync("signal", ""","signal":9"""));
        Assert.Equal(AttemptErrorKind.OutOfMemory, error.Kind);
        Assert.Contains("SIGKILL", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Worker_that_answers_and_exits_has_completed_its_job()
    {
        await using var pool = await Pools.StartAsync();
        for (var i = 1; i <= 5; i++)
        {
            Assert.Equal("\"in time\"", Attempts.ResultOf(await pool.DoAsync("result-then-exit")));
            await Wait.UntilAsync(() => pool.Counters.Starts > i && pool.Concurrency > 0);
        }
    }

    [Fact]
    public async Task Answers_that_are_wrong_late_or_double_are_ignored()
    {
        await using var pool = await Pools.StartAsync();
        Assert.Equal("\"right\"", Attempts.ResultOf(await pool.DoAsync("wrong-answers")));
        Assert.Equal("\"right\"", Attempts.ResultOf(await pool.DoAsync("wrong-answers")));
        Assert.Equal("\"found\"", Attempts.ResultOf(await pool.DoAsync("garbage-then-result")));
        Assert.Equal((8, 3), (pool.Counters.IgnoredMessages, pool.Counters.GarbageLines));
    }

    [Theory]
    [InlineData(257)]
    [InlineData(40_000)]
    public async Task Result_nested_too_deep_fails_its_job_at_once_and_the_worker_goes_on(int levels)
    {
        await using var pool = await Pools.StartAsync();
        var error = Attempts.ErrorOf(await pool.DoAsync("deep", $""","type":"result","field":"result","levels":{levels}"""));
        Assert.Equal((AttemptErrorKind.Fatal, "ResultTooDeep"), (error.Kind, error.Type));
        Assert.Contains("256", error.Message, StringComparison.Ordinal);
        Assert.Equal("\"found\"", Attempts.ResultOf(await pool.DoAsync("garbage-then-result")));
        Assert.Equal(1, pool.Counters.Starts);
    }

    [Theory]
    [InlineData("result", "result", 256)]
    [InlineData("result", "of_another_version", 40_000)]
    [InlineData("progress", "message", 40_000)]
    [InlineData("progress", "of_another_version", 40_000)]
    public async Task Nesting_elsewhere_or_within_the_bound_does_no_harm(string type, string field, int levels)
    {
        await using var pool = await Pools.StartAsync();
        var result = Attempts.ResultOf(await pool.DoAsync("deep", $""","type":"{type}","field":"{field}","levels":{levels}"""));
        Assert.Equal(type == "progress" ? "\"after it\"" : field == "result" ? new string('[', levels) + new string(']', levels) : "", result);
    }

    [Fact]
    public async Task Result_that_is_no_JSON_fails_its_job_at_once_and_the_worker_goes_on()
    {
        await using var pool = await Pools.StartAsync();
        var error = Attempts.ErrorOf(await pool.DoAsync("not-a-number"));
        Assert.Equal((AttemptErrorKind.Retry, "InvalidResult"), (error.Kind, error.Type));
        Assert.Contains("'N'", error.Message, StringComparison.Ordinal);
        Assert.Equal("", Attempts.ResultOf(await pool.DoAsync("none")));
        Assert.Equal(1, pool.Counters.Starts);
    }

    [Theory]
    [InlineData("ok")]
    [InlineData("ignore-term")]
    public async Task Worker_that_ignores_cancel_is_ended_and_its_job_is_cancelled(string mode)
    {
        await using var pool = await Pools.StartAsync(mode);
        var progress = new ProgressLog();
        using var cancel = new CancellationTokenSource();
        var running = pool.RunAsync(Attempts.Of("""{"do":"hang"}"""), progress, cancel.Token);
        await progress.First;
        await cancel.CancelAsync();
        Assert.IsType<AttemptResult.Cancelled>(await running);
        Assert.True(Wait.IsDead(progress.Reports[0].Done));
        Assert.Equal("", Attempts.ResultOf(await pool.DoAsync("none")));
    }

    [Theory]
    [InlineData("freeze")]
    [InlineData("no-beat")]
    public async Task Worker_that_stops_its_heartbeat_loses_its_job(string how)
    {
        var options = Pools.Options(how == "freeze" ? "beat" : how);
        options.HeartbeatTimeoutSeconds = 0.5;
        await using var pool = await Pools.StartAsync(options);
        var error = Attempts.ErrorOf(await pool.DoAsync(how == "freeze" ? "freeze" : "hang"));
        Assert.Equal(AttemptErrorKind.WorkerLost, error.Kind);
        Assert.Contains("HeartbeatTimeoutSeconds (0.5)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Worker_that_keeps_its_heartbeat_may_take_long()
    {
        var options = Pools.Options("beat");
        options.HeartbeatTimeoutSeconds = 0.4;
        await using var pool = await Pools.StartAsync(options);
        var progress = new ProgressLog();
        using var cancel = new CancellationTokenSource();
        var running = pool.RunAsync(Attempts.Of("""{"do":"hang"}"""), progress, cancel.Token).AsTask();
        await progress.First;
        var started = TimeProvider.System.GetTimestamp();
        await Wait.UntilAsync(() => running.IsCompleted || TimeProvider.System.GetElapsedTime(started) > options.HeartbeatTimeout * 3);
        Assert.False(running.IsCompleted);
        await cancel.CancelAsync();
        Assert.IsType<AttemptResult.Cancelled>(await running);
    }

    [Theory]
    [InlineData("exit")]
    [InlineData("hang")]
    public async Task Child_that_a_worker_forked_dies_with_it(string then)
    {
        await using var pool = await Pools.StartAsync();
        var progress = new ProgressLog();
        using var cancel = new CancellationTokenSource();
        var running = pool.RunAsync(Attempts.Of($$"""{"do":"fork","then":"{{then}}"}"""), progress, cancel.Token);
        await progress.First;
        if (then == "hang")
        {
            await cancel.CancelAsync();
        }

        await running;
        await Wait.UntilAsync(() => Wait.IsDead(progress.Reports[0].Done));
    }

    [Fact]
    public async Task Flood_on_stderr_is_drained_and_its_end_is_kept()
    {
        var logs = new ScopeLog();
        await using var pool = await Pools.StartAsync(Pools.Options(), logs);
        Assert.Equal("50000", Attempts.ResultOf(await pool.DoAsync("flood", ""","lines":50000""")));
        var error = Attempts.ErrorOf(await pool.DoAsync("flood", ""","lines":50000,"then":"exit" """));
        Assert.Equal(AttemptErrorKind.WorkerLost, error.Kind);
        Assert.Contains("flood 49999 ", error.Detail, StringComparison.Ordinal);
        Assert.EndsWith("zzz", error.Detail, StringComparison.Ordinal);
        Assert.InRange(error.Detail!.Length, 1, AttemptError.MaxDetailChars);
        Assert.InRange(logs.Lines.Count, 100, 5_000);
    }

    [Fact]
    public async Task Worker_past_its_memory_limit_is_killed_and_the_job_has_run_out_of_memory()
    {
        var options = Pools.Options();
        options.MemoryLimitBytes = 100L << 20;
        await using var pool = await Pools.StartAsync(options);
        var error = Attempts.ErrorOf(await pool.DoAsync("eat", ""","bytes":200000000"""));
        Assert.Equal(AttemptErrorKind.OutOfMemory, error.Kind);
        Assert.Contains("MemoryLimitBytes (104857600)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Idle_worker_past_its_memory_limit_is_replaced()
    {
        var options = Pools.Options("fat");
        options.MemoryLimitBytes = 40L << 20;
        await using var pool = await Pools.StartAsync(options);
        await Wait.UntilAsync(() => pool.Counters.Starts >= 3);
    }

    [Fact]
    public async Task Job_in_line_fails_when_no_worker_can_be_started_any_more()
    {
        var marker = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString());
        try
        {
            await using var pool = await Pools.StartAsync(Pools.Options("once", marker));
            Attempts.ErrorOf(await pool.DoAsync("exit0"));
            var error = Attempts.ErrorOf(await pool.DoAsync("none"));
            Assert.Equal(AttemptErrorKind.WorkerLost, error.Kind);
            Assert.Contains("exit status 4", error.Message, StringComparison.Ordinal);
            Assert.Equal(0, pool.Concurrency);
            File.Delete(marker);
            await Wait.UntilAsync(() => pool.Concurrency > 0);
            Assert.Equal("", Attempts.ResultOf(await pool.DoAsync("none")));
        }
        finally
        {
            File.Delete(marker);
        }
    }

    [Fact]
    public async Task Job_in_line_does_not_wait_for_a_worker_that_starts_as_its_predecessor_did_which_failed()
    {
        var counted = Path.GetTempFileName();
        try
        {
            var options = Pools.Options("counted", counted);
            options.Count = 2;
            options.StartupTimeoutSeconds = 120;
            await using var pool = await Pools.StartAsync(options);
            await Wait.UntilAsync(() => new FileInfo(counted).Length >= 3);
            Attempts.ErrorOf(await pool.DoAsync("exit0"));
            var error = Attempts.ErrorOf(await pool.DoAsync("none").WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
            Assert.Equal(AttemptErrorKind.WorkerLost, error.Kind);
            Assert.Contains("exit status 4", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(counted);
        }
    }

    [Fact]
    public void Tail_of_stderr_keeps_the_last_lines_and_uses_their_places_again()
    {
        var tail = new StderrTail(2);
        Assert.Null(tail.Text());
        foreach (var line in (string[])["a", "bb", "ccc", ""]) tail.Add(Encoding.UTF8.GetBytes(line));
        Assert.Equal("ccc\n", tail.Text());
        tail.Add(new byte[StderrTail.MaxLineBytes]);
        Assert.Equal(StderrTail.MaxLineBytes + 1, tail.Text()!.Length);
    }

    [Fact]
    public void Waits_between_restarts_double_up_to_the_bound_and_start_again_after_a_job()
    {
        var options = new WorkerOptions { RestartBackoffSeconds = 1, MaxRestartBackoffSeconds = 8 };
        var slot = new WorkerSlot(0, options, TimeProvider.System, new Random(1));
        var waits = Enumerable.Range(0, 40).Select(_ => slot.Free(new WorkerObituary(false, false, "")).TotalSeconds).ToArray();
        Assert.InRange(waits[0], 0.8, 1.2);
        Assert.InRange(waits[2], 3.2, 4.8);
        Assert.All(waits[3..], wait => Assert.InRange(wait, 6.4, 9.6));
        Assert.InRange(slot.Free(new WorkerObituary(false, true, "", JobsDone: 4)).TotalSeconds, 0.8, 1.2);
        Assert.Equal(0, slot.Free(new WorkerObituary(true, true, "")).TotalSeconds);
    }
}
