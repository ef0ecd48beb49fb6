using System.Text.Json;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Tests.Handlers;

namespace Gristmill.Grains.Tests.Workers;

/// <summary>Workers whose messages are no Unicode, of wrong types, or meant for a terminal. A character of a line stands for its byte, ID for the run's number.</summary>
public sealed class WorkerTextTests
{
    [Theory]
    [InlineData("""{"type":"error","id":ID,"kind":"fatal","error":"E","message":"\ud800 x"}""", AttemptErrorKind.Fatal, "E", "\uFFFD x")]
    [InlineData("""{"type":"error","id":ID,"kind":{"a":1},"error":"\ud800E","message":"m"}""", AttemptErrorKind.Retry, "\uFFFDE", "m")]
    [InlineData("""{"type":"error","id":ID,"kind":"oom","message":[1, "a"]}""", AttemptErrorKind.OutOfMemory, "WorkerError", "[1, \"a\"]")]
    [InlineData("""{"kind":7,"message":{"deep":[]},"error":null,"type":"error","id":ID}""", AttemptErrorKind.Retry, "WorkerError", "{\"deep\":[]}")]
    [InlineData("""{"\ud800":1,"type":"error","id":ID,"message":"ÿ","detail":[1],"gpu_memory_mib":"x"}""", AttemptErrorKind.Retry, "WorkerError", "\uFFFD")]
    [InlineData("""{"type":"error","id":ID,"heartbeat":"x","message":"m"}""", AttemptErrorKind.Retry, "InvalidResult", "The worker's answer has a field of the wrong type.")]
    [InlineData("""{"type":"result","id":ID,"result":"ÿ"}""", AttemptErrorKind.Retry, "InvalidResult", "The result is no valid UTF-8.")]
    public async Task Answer_that_can_be_read_in_part_fails_its_job_at_once(string line, object kind, string type, string message)
    {
        await using var pool = await Pools.StartAsync();
        var error = Attempts.ErrorOf(await pool.DoAsync("raw", $",\"line\":{JsonSerializer.Serialize(line)}"));
        Assert.Equal((kind, type, message), (error.Kind, error.Type, error.Message));
        Assert.Equal("", Attempts.ResultOf(await pool.DoAsync("none")));
        Assert.Equal(1, pool.Counters.Starts);
    }

    [Theory]
    [InlineData("""{"type":"progress","id":ID,"done":1,"total":2,"message":"\ud800 x"}""", 1, 2, "\uFFFD x")]
    [InlineData("""{"type":"progress","id":ID,"done":"x","total":{"a":[1]},"message":["m"]}""", 0, 0, "[\"m\"]")]
    public async Task Progress_is_reported_as_far_as_it_can_be_read(string line, long done, long total, string message)
    {
        await using var pool = await Pools.StartAsync();
        var progress = new ProgressLog();
        var payload = JsonSerializer.Serialize(new { @do = "raw", line = line, then = "result" });
        Assert.Equal("\"after it\"", Attempts.ResultOf(await pool.RunAsync(Attempts.Of(payload), progress, TestContext.Current.CancellationToken)));
        Assert.Equal((done, total, message), Assert.Single(progress.Reports));
        Assert.Equal(0, pool.Counters.GarbageLines);
    }

    [Theory]
    [InlineData("""{"type":"log","id":ID,"level":"error","message":"odd\u001b[2J\nwarn: forged"}""", "odd\uFFFD[2J warn: forged")]
    [InlineData("odd\u001b[2J\u0007 garbage", "odd\uFFFD[2J\uFFFD garbage")]
    public async Task What_a_worker_says_does_not_steer_the_terminal_that_shows_the_log(string line, string logged)
    {
        var logs = new ScopeLog();
        await using var pool = await Pools.StartAsync(Pools.Options(), logs);
        await pool.DoAsync("raw", $",\"then\":\"result\",\"line\":{JsonSerializer.Serialize(line)}");
        string[] lines;
        lock (logs.Lines) lines = [.. logs.Lines];
        Assert.Contains(lines, l => l.Contains(logged, StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.Contains('\u001b'));
    }
}
