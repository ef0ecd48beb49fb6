using System.Text.RegularExpressions;
using Gristmill.Client;
using Gristmill.Redis;
using Gristmill.Silo.Tests.Client;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary>The same commands on Redis and by the API of a real silo: the same output, errors and exit status.</summary>
public sealed partial class ApiCommandTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly TimeSpan Patience = Faults.Support.FaultBench.Patience;

    // {own} is another name on each side, so that both do the same to things of their own; {letter} is a dead letter.
    private static readonly string[] Lines =
    [
        "queues", "queues --json", "queues list", "queues show asr", "queues show asr --json", "queues show asx", "queues show nothing-like-it --json", "queues pause asx",
        "queues --watch --looks 1", "queues --watch --looks 1 --json", "silos", "silos --json", "silos --watch --looks 1", "silos drain nobody", "gpus", "gpus --json", "gpus --watch --looks 1",
        "job list asr", "job list asr --json", "job list asr --state dead", "job list asr --limit 1 --json", "job list asr --limit 0", "job list asr --cursor x", "job list asx",
        "job show asr ok-1", "job show asr ok-1 --json", "job show asr late --json", "job show asr refused-1", "job show asr ok1", "job show tts ok-1", "job show asr nobody --json", "job show asx ok-1",
        "job show asr ..", "job show asr a/b%2F?#", "job watch asr ok-1", "job watch asr ok-1 --json", "job watch asr nobody",
        "dead-letters list asr", "dead-letters list asr --json", "dead-letters list asr --limit 1 --json", "dead-letters list asr --cursor x", "dead-letters list asx",
        "dead-letters show asr {letter}", "dead-letters show asr {letter} --json", "dead-letters show asr refused-1", "dead-letters show asr nobody",
        "sessions list tts", "sessions list tts --json", "sessions list tts --cursor x", "sessions list tts --watch --looks 1", "sessions list asr", "sessions show tts s1", "sessions show tts s1 --json",
        "sessions show tts s1 --cursor x", "sessions show tts nobody", "sessions watch tts s1 --json", "sessions end tts s1", "sessions cancel tts nobody", "sessions show asx s1",
        "enqueue asr {} --id {own} --run-at 4000000000", "enqueue asr {} --id {own} --run-at 4000000000", """enqueue asr {"n":2} --id {own}""", "enqueue asr [1]", "enqueue asr hello", """enqueue asr {"timeout":"x"}""", """enqueue asr {"a":1}{""", "enqueue asr {} --session  --id {own}-3", "enqueue asr {} --max-attempts 0",
        """enqueue asr {"\ud800":"\udc00"} --id {own}-4 --run-at 4000000000""",
        """enqueue asr {"chunk":1} --id {own}-2 --session s9 --priority high --max-attempts 2 --timeout 1.5 --depends-on {own} --reply-to answers: --json""", "job show asr {own}-2",
        "job cancel asr {own} --reason enough", "job cancel asr {own}", "job cancel asr {own}-never --json", "enqueue asr {} --id {own}-never", "job cancel asx {own}", "job retry asr late", "job retry asr nobody",
        "queues pause tts", "queues drain tts --json", "queues resume tts",
        """dead-letters requeue asr {letter} --payload {"n":1}""", "dead-letters requeue asr {letter} --payload [1]", "dead-letters requeue asr late", "dead-letters requeue asr --reason timeout", "dead-letters requeue asr nobody",
        "dead-letters purge asr {letter2}", "dead-letters purge asr {letter2}", "dead-letters purge asr --reason timeout --json", "dead-letters purge asr",
    ];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Commands_by_the_api_say_what_they_say_on_Redis()
    {
        await using var direct = await CommandFixture.CreateAsync(stores);
        var url = $"http://127.0.0.1:{Ports.Next()}";
        await using var silo = await StartAsync(direct, url);
        await using var remote = direct.ByApi(url);
        var letters = await PrepareAsync(direct);
        var differences = new List<string>();
        foreach (var line in Lines)
        {
            var onRedis = await RunAsync(direct, line, "xyr", letters);
            var byApi = await RunAsync(remote, line, "xya", [letters[2], letters[3], letters[0], letters[1]]);
            if (onRedis != byApi) differences.Add($"gristmill {line}\non Redis: {onRedis}\nby the API: {byApi}");
        }

        Assert.True(differences.Count == 0, string.Join("\n\n", differences) + "\n\nThe silo's log:\n" + silo.Output);
    }

    [Fact]
    public async Task Job_by_the_api_has_what_was_asked_for_and_the_attempts_that_its_queue_gives()
    {
        await using var direct = await CommandFixture.CreateAsync(stores);
        var url = $"http://127.0.0.1:{Ports.Next()}";
        await using var silo = await StartAsync(direct, url);
        await using var remote = direct.ByApi(url);
        (await remote.RunAsync("enqueue", "asr", "{}", "--id", "a", "--run-at", "4000000000", "--reply-to", "answers:7")).Expect(0);

        Assert.Equal("answers:7", (await new HandSilo(direct.Cluster.Redis, direct.Cluster.Service, "asr").Store.GetAsync("a", Stop))!.Header.ReplyTo);
        Assert.Equal(4, (await remote.RunAsync("job", "show", "asr", "a", "--json")).Expect(0).Json.GetProperty("maxAttempts").GetInt32());
        Assert.Matches(@"attempt\s+0\n", (await direct.RunAsync("job", "show", "asr", "a")).Expect(0).Out);
        var refused = (await remote.RunAsync("enqueue", "asrr", "{}")).Expect(1);
        Assert.Equal($"error: There is no queue 'asrr' in the service '{direct.Cluster.Service}'.\n       Did you mean 'asr'?\n", refused.Error);
    }

    [Fact]
    public async Task Silo_is_drained_by_the_api_of_itself()
    {
        await using var direct = await CommandFixture.CreateAsync(stores);
        var url = $"http://127.0.0.1:{Ports.Next()}";
        await using var silo = await StartAsync(direct, url);
        await using var remote = direct.ByApi(url);
        Assert.Contains("mill drains", (await remote.RunAsync("silos", "drain", "mill")).Expect(0).Out, StringComparison.Ordinal);
        await silo.WaitForExitAsync(Patience);
        Assert.Equal(0, silo.ExitCode);
        var gone = (await remote.RunAsync("queues")).Expect(1);
        Assert.Contains($"error: The API at {url}/ does not answer", gone.Error, StringComparison.Ordinal);
        Assert.Contains("Is the address right (--api, GRISTMILL_API)", gone.Error, StringComparison.Ordinal);
    }

    private static async Task<ChildProcess> StartAsync(CommandFixture direct, string url)
    {
        var service = direct.Cluster.Service;
        var worker = Repository.Path("samples/shell/worker.sh");
        var environment = new Dictionary<string, string>(direct.Variables)
        {
            ["Gristmill__Url"] = url,
            ["Gristmill__SiloName"] = "mill",
            ["Gristmill__Queues__asr__List"] = $"{service}:asr",
            ["Gristmill__Queues__asr__Worker__Command__0"] = "sh",
            ["Gristmill__Queues__asr__Worker__Command__1"] = worker,
            ["Gristmill__Queues__asr__ReplyToPrefixes__0"] = "answers:",
            ["Gristmill__Queues__tts__List"] = $"{service}:tts",
            ["Gristmill__Queues__tts__Worker__Command__0"] = "sh",
            ["Gristmill__Queues__tts__Worker__Command__1"] = worker,
            ["Gristmill__Queues__tts__Sessions__Order"] = "Arrival",
        };
        var silo = await ChildProcess.StartAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "gristmill.dll"), "silo"], direct.Folder, environment);
        await Eventually.TrueAsync("the silo serves both queues", async () => (await direct.Cluster.Client.ListSilosAsync(Stop)) is [{ Queues: [{ Capacity: > 0 }, { Capacity: > 0 }] }], Patience, Stop);
        return silo;
    }

    // One job that completes, one that waits, one refused, four dead letters, and a session that is over; then all is still.
    private static async Task<IReadOnlyList<string>> PrepareAsync(CommandFixture direct)
    {
        var (client, redis, service) = (direct.Cluster.Client, direct.Cluster.Redis, direct.Cluster.Service);
        var (asr, tts) = (client.Queue("asr"), client.Queue("tts"));
        await asr.EnqueueRawAsync("""{"chunk":1}"""u8.ToArray(), new EnqueueOptions { Id = "ok-1", MaxAttempts = 3 }, Stop);
        await asr.EnqueueRawAsync("{}"u8.ToArray(), new EnqueueOptions { Id = "late", MaxAttempts = 3, RunAt = DateTimeOffset.FromUnixTimeSeconds(4_000_000_000) }, Stop);
        foreach (var item in new[] { """{"job_id":"refused-1","timeout":"x"}""", "no json", "no json", "no json", "no json" }) await redis.ExecuteAsync(new RedisCommand("RPUSH", $"{service}:asr", item), Stop);
        foreach (var end in new[] { "", ""","session_end":true""" }) await redis.ExecuteAsync(new RedisCommand("RPUSH", $"{service}:tts", $$"""{"session_id":"s1","retry_count":1{{end}}}"""), Stop);
        await Eventually.TrueAsync("all is done", async () => await asr.GetAsync("ok-1", Stop) is { State: JobState.Completed } && (await asr.GetInfoAsync(Stop)).Counts.Dead == 5 && await tts.Sessions.GetAsync("s1", Stop) is { State: "completed" }, Patience, Stop);
        await Eventually.TrueAsync("the silo has said so", async () => (await client.ListSilosAsync(Stop))[0].Completed == 3, Patience, Stop);
        return [.. (await asr.DeadLetters.ListAsync(cancellationToken: Stop)).DeadLetters.Where(d => d.PayloadId is null).Select(d => d.Id)];
    }

    private static async Task<string> RunAsync(CommandFixture cli, string line, string own, IReadOnlyList<string> letters)
    {
        var words = line.Replace("{own}", own, StringComparison.Ordinal).Replace("{letter2}", letters[1], StringComparison.Ordinal).Replace("{letter}", letters[0], StringComparison.Ordinal).Split(' ');
        var result = await cli.RunAsync(words);
        var said = $"{result.Status}\n{result.Out}{result.Error}".Replace(own, "OWN", StringComparison.Ordinal);
        foreach (var letter in letters) said = said.Replace(letter, "LETTER", StringComparison.Ordinal);

        // What two looks after each other see of time, how wide it makes columns, and what only the silo knows (the other test).
        said = Number().Replace(Time().Replace(said, "TIME"), "$1N");
        return Blanks().Replace(Span().Replace(said, "SPAN"), " ");
    }

    [GeneratedRegex("""\d{4}-\d\d-\d\d[T ][0-9:.]+(Z|\+00:00)""")]
    private static partial Regex Time();

    [GeneratedRegex("""("(?:heardSecondsAgo|oldestReadySeconds|maxAttempts)": ?)(?:[0-9.]+|null)|(?<=attempt +\d) of \d+""")]
    private static partial Regex Number();

    [GeneratedRegex("""\b\d+ (ms|s|min)\b""")]
    private static partial Regex Span();

    [GeneratedRegex(" +")]
    private static partial Regex Blanks();
}
