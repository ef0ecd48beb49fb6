using System.Text.Json;

namespace Gristmill.Silo.Tests.Samples;

/// <summary>samples/sessions: sessions that are LPUSHed, three retries, and failures mirrored to a list.</summary>
public sealed class SessionsTests
{
    private static readonly double[] Delays = [5, 10, 20];

    [Fact]
    public async Task Session_becomes_its_counted_words_and_first_come_is_first_served()
    {
        SpeechTools.Require();
        await using var sample = await SampleSilo.CreateAsync("sessions", "RECORDINGS");

        // Before there is a silo: what is pushed waits in the list.
        await sample.RunBlockAsync("the producer");
        await sample.ShellAsync(
            """
            espeak-ng -v en-us+f3 -s 130 -w $RECORDINGS/second.wav 'three noodles'
            redis-cli -u $REDIS_URL LPUSH lahstats:processing '{"session_id": "second"}'
            """);
        await sample.StartAsync();
        var jobs = await sample.JobsAsync("sessions", "completed", 2);

        Assert.Equal(["test-uuid", "second"], jobs.Select(j => j.GetProperty("sessionId").GetString()));
        Assert.True(jobs[0].GetProperty("startedAt").GetDateTimeOffset() < jobs[1].GetProperty("startedAt").GetDateTimeOffset());
        var result = jobs[0].GetProperty("result");
        Assert.Equal((2, 9), (result.GetProperty("segments").GetInt32(), result.GetProperty("total_words").GetInt32()));
        Assert.Equal(
            new Dictionary<string, int> { ["two"] = 1, ["one"] = 2, ["coffee"] = 1, ["tea"] = 1, ["chicken"] = 1, ["rice"] = 1, ["please"] = 2 }.OrderBy(w => w.Key),
            result.GetProperty("words").Deserialize<Dictionary<string, int>>()!.OrderBy(w => w.Key));
        Assert.Matches(@"completed in all +2", await sample.RunBlockAsync("the results"));
    }

    [Fact]
    public async Task Session_without_audio_is_retried_after_5_s_and_what_fails_for_good_is_mirrored()
    {
        SpeechTools.Require();
        await using var sample = await SampleSilo.CreateAsync("sessions", "RECORDINGS");
        await sample.StartAsync();
        await sample.ShellAsync("redis-cli -u $REDIS_URL LPUSH lahstats:processing '{\"session_id\": \"late\"}'");
        var waiting = Assert.Single(await sample.JobsAsync("sessions", "retrying", 1));
        Assert.Equal(4, waiting.GetProperty("maxAttempts").GetInt32());
        var failed = waiting.GetProperty("errors")[0].GetProperty("at").GetDateTimeOffset();
        Assert.Equal(Delays[0], (waiting.GetProperty("waitingFor").GetProperty("until").GetDateTimeOffset() - failed).TotalSeconds, 1.0);

        // The same three retries, with a short wait of the payload's own, and one that cannot succeed.
        await sample.ShellAsync(
            """
            echo noise > $RECORDINGS/noise.wav
            redis-cli -u $REDIS_URL LPUSH lahstats:processing '{"session_id": "never", "retry_delay": 0.01}' '{"session_id": "noise"}'
            """);
        var dead = (await sample.JobsAsync("sessions", "dead", 2)).ToDictionary(j => j.GetProperty("sessionId").GetString()!, j => j.GetProperty("attempt").GetInt32());
        Assert.Equal((4, 1), (dead["never"], dead["noise"]));
        const string mirrored = "redis-cli -u $REDIS_URL LRANGE lahstats:failed 0 -1";
        await sample.ShellUntilAsync(mirrored, "the audio cannot be fetched");
        await sample.ShellUntilAsync(mirrored, "is no WAV recording");

        await sample.ShellAsync("espeak-ng -v en-us+f3 -s 130 -w $RECORDINGS/late.wav 'one tea please'");
        var done = Assert.Single(await sample.JobsAsync("sessions", "completed", 1));
        Assert.Equal((2, 3), (done.GetProperty("attempt").GetInt32(), done.GetProperty("result").GetProperty("total_words").GetInt32()));
    }
}
