using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Samples;

/// <summary>samples/asr-chunks: spoken chunks pushed raw come back as words, by session.</summary>
public sealed class AsrChunksTests
{
    [Fact]
    public async Task Spoken_chunks_that_are_pushed_raw_become_the_transcripts_of_their_sessions()
    {
        SpeechTools.Require();
        await using var sample = await SampleSilo.CreateAsync("asr-chunks", "RECORDINGS");
        await sample.StartAsync();
        await sample.RunBlockAsync("the producer");
        var transcripts = await sample.JobsAsync("transcripts", "completed", 2);

        Assert.Equal(
            [
                ("s1", "the north quay is closed until noon, two ships are waiting for the tide"),
                ("s2", "this is the harbor office"),
            ],
            transcripts.Select(j => (
                j.GetProperty("result").GetProperty("session_id").GetString()!,
                j.GetProperty("result").GetProperty("text").GetString()!)).Order());
        var jobs = (await sample.GetAsync("/api/sessions/asr/s1/jobs")).GetProperty("jobs").EnumerateArray().ToList();
        Assert.Equal([1, 2], jobs.Select(j => j.GetProperty("result").GetProperty("chunk").GetInt32()));

        // The second came first, and started when the first was done.
        var records = (await sample.JobsAsync("asr", "completed", 3)).Where(j => j.GetProperty("sessionId").GetString() == "s1").OrderBy(j => j.GetProperty("result").GetProperty("chunk").GetInt32()).ToList();
        Assert.True(records[1].GetProperty("startedAt").GetDateTimeOffset() >= records[0].GetProperty("finishedAt").GetDateTimeOffset());
        var shown = await sample.RunBlockAsync("the results");
        Assert.Matches(@"state\s+completed", shown);
        Assert.Contains("2 of 2", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chunk_before_its_upload_is_retried_one_that_is_no_recording_is_dead_and_another_librarys_queue_is_named()
    {
        SpeechTools.Require();
        Tools.RequirePythonModule("rq", "python3-rq");
        await using var sample = await SampleSilo.CreateAsync("asr-chunks", "RECORDINGS");
        await sample.ShellAsync(
            "/usr/bin/python3 -c 'import os, redis, rq; rq.Queue(\"asr-queue\", connection=redis.Redis.from_url(os.environ[\"REDIS_URL\"])).enqueue(\"os.getcwd\")'");
        await sample.StartAsync();
        var finding = await sample.FindingAsync("other_library");
        Assert.Contains("'rq:queue:asr-queue'", finding, StringComparison.Ordinal);
        Assert.Contains("'asr_chunk_queue' is empty", finding, StringComparison.Ordinal);

        await sample.ShellAsync(
            """
            echo noise > $RECORDINGS/noise.wav
            redis-cli -u $REDIS_URL RPUSH asr_chunk_queue '{"chunk":1,"audio":"noise.wav"}' '{"chunk":2,"audio":"late.wav"}'
            """);
        var retried = Assert.Single(await sample.JobsAsync("asr", "retrying", 1));
        Assert.Contains("the upload is not there yet", retried.GetProperty("errors")[0].GetProperty("message").GetString(), StringComparison.Ordinal);
        await sample.JobsAsync("asr", "dead", 1);
        var letters = await sample.ShellAsync("gristmill dead-letters list asr");
        Assert.Contains("is no WAV recording", letters, StringComparison.Ordinal);

        await sample.ShellAsync("espeak-ng -v en-us+f3 -s 130 -w $RECORDINGS/late.wav 'seven ships are waiting for a pilot'");
        var job = Assert.Single(await sample.JobsAsync("asr", "completed", 1));
        Assert.Equal("seven ships are waiting for a pilot", job.GetProperty("result").GetProperty("text").GetString());
    }
}
