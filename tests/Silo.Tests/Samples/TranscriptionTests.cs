using System.Text.Json;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Samples;

/// <summary>samples/transcription: priority, timeout, retries and their delay, statistics and cancelling, with the team's own names.</summary>
public sealed class TranscriptionTests
{
    private const string Queue = "transcription_jobs";
    private const string Environment = "set -a; . ./transcription.env";
    private const string Speak = "espeak-ng -v en-us+f3 -s 130 -w $FILES/audio.wav 'Morphine five times a day'\n";

    // The worker looks for a cancel between two of its segments.
    private const string SpeakLong = "espeak-ng -v en-us+f3 -s 130 -w $FILES/audio.wav 'Morphine five times a day. The doctor needs aspirin. The doctor needs insulin. Aspirin two times a day.'\n";

    [Fact]
    public async Task Recording_becomes_text_by_the_functions_that_the_application_calls()
    {
        await using var sample = await CreateAsync();
        await sample.StartAsync(Environment);
        var pushed = await sample.ShellAsync(sample.Block("the producer").Replace("/tmp/", $"{await sample.ShellAsync("echo $FILES")}/", StringComparison.Ordinal));
        Assert.Equal("Job enqueued: unique-job-id-123", pushed);
        var job = await sample.JobAsync(Queue, "unique-job-id-123", "completed");

        var result = job.GetProperty("result");
        Assert.Equal("the patient takes two tablets of aspirin every morning. the doctor needs insulin", result.GetProperty("text").GetString());
        var segments = result.GetProperty("segments");
        Assert.Equal(2, segments.GetArrayLength());
        Assert.True(segments[0].GetProperty("end").GetDouble() < segments[1].GetProperty("end").GetDouble());
        Assert.Equal((4, 2), (job.GetProperty("maxAttempts").GetInt32(), job.GetProperty("priority").GetInt32()));
        var said = await sample.RunBlockAsync("the status");
        Assert.Contains("'job_id': 'unique-job-id-123', 'status': 'finished', 'created_at': '20", said, StringComparison.Ordinal);
        Assert.Contains("'exc_info': None, 'meta': {'priority': 'high', 'attempt': 1", said, StringComparison.Ordinal);
        Assert.Contains("'queued_count': 0, 'started_count': 0, 'finished_count': 1, 'failed_count': 0", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Job_of_high_priority_goes_before_those_that_came_first_and_a_job_that_came_twice_is_one()
    {
        await using var sample = await CreateAsync();
        await sample.ShellAsync(Speak + Python(
            """
            for name in ("low-1", "low-2", "low-3", "low-1"):
                q.enqueue_transcription_job(name, audio, "medical-terms-v1", priority="low")
            q.enqueue_transcription_job("high", audio, "medical-terms-v1", priority="high")
            """));
        await sample.ShellAsync("redis-cli -u $REDIS_URL RPUSH transcription_jobs_high '{\"job_id\":\"list\",\"audio_file_path\":\"'$FILES/audio.wav'\",\"lexicon_id\":\"medical-terms-v1\"}'");
        await sample.StartAsync(Environment);
        var jobs = await sample.JobsAsync(Queue, "completed", 5);

        // Two workers: both may have begun with a job of low priority before it was known that there are priorities; no third.
        var started = jobs.OrderBy(j => j.GetProperty("startedAt").GetDateTimeOffset()).Select(j => j.GetProperty("id").GetString()!).ToList();
        Assert.Equal(["high", "list"], started[..4].Where(id => !id.StartsWith("low", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal(1, (await sample.GetAsync($"/api/queues/{Queue}")).GetProperty("totals").GetProperty("duplicates").GetInt32());
    }

    [Fact]
    public async Task Timeout_retries_and_their_delay_are_the_jobs_own_and_a_job_that_waits_can_be_cancelled()
    {
        await using var sample = await CreateAsync();
        await sample.StartAsync(Environment);
        await sample.ShellAsync(SpeakLong + Python(
            """
            q.enqueue_transcription_job("slow", audio, "medical-terms-v1", timeout=0.001, retry_count=0)
            q.enqueue_transcription_job("unknown", audio, "no-such-lexicon")
            q.enqueue_transcription_job("missing", audio + ".gone", "medical-terms-v1", retry_count=5, retry_delay=90)
            """));
        var slow = await sample.JobAsync(Queue, "slow", "dead");
        Assert.Equal("timeout", slow.GetProperty("errors")[0].GetProperty("kind").GetString());
        await sample.JobAsync(Queue, "unknown", "dead");
        var missing = await sample.JobAsync(Queue, "missing", "retrying");
        Assert.Equal(6, missing.GetProperty("maxAttempts").GetInt32());
        var failed = missing.GetProperty("errors")[0].GetProperty("at").GetDateTimeOffset();
        Assert.Equal(90, (missing.GetProperty("waitingFor").GetProperty("until").GetDateTimeOffset() - failed).TotalSeconds, 1.0);

        var stats = await sample.ShellAsync(Python("print(json.dumps([q.get_queue_stats(), q.cancel_job('missing'), q.cancel_job('slow'), q.cancel_job('missing'), q.get_job_status('nobody'), q.get_job_status('slow')]))"));
        var said = JsonDocument.Parse(stats).RootElement;
        Assert.Equal((2, 1), (said[0].GetProperty("failed_count").GetInt32(), said[0].GetProperty("scheduled_count").GetInt32()));
        Assert.Equal([true, false, false], said.EnumerateArray().Skip(1).Take(3).Select(v => v.GetBoolean()));
        Assert.Equal(JsonValueKind.Null, said[4].ValueKind);
        Assert.Equal("failed", said[5].GetProperty("status").GetString());
        Assert.Contains("limit of 0.001 s", said[5].GetProperty("exc_info").GetString(), StringComparison.Ordinal);
        await sample.JobAsync(Queue, "missing", "cancelled");

        // With the lexicon still missing it dies once more.
        await sample.ShellAsync("gristmill dead-letters requeue transcription_jobs unknown");
        var queue = await Eventually.MatchesAsync(
            "it was requeued and died again", () => sample.GetAsync($"/api/queues/{Queue}"),
            q => q.GetProperty("totals").GetProperty("dead").GetInt32() == 3, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(1, queue.GetProperty("totals").GetProperty("requeued").GetInt32());
    }

    private static string Python(string lines) =>
        $"/usr/bin/python3 - <<'END'\nimport json, os\nimport transcription_queue as q\naudio = os.environ['FILES'] + '/audio.wav'\n{lines}\nEND";

    private static async Task<SampleSilo> CreateAsync()
    {
        SpeechTools.Require();
        Tools.RequirePythonModule("redis", "python3-redis");
        return await SampleSilo.CreateAsync("transcription");
    }
}
