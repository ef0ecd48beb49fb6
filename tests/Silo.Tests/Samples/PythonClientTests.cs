using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Samples;

/// <summary>samples/python-client: what docs/redis-protocol.md says is enough to write a client in another language.</summary>
public sealed class PythonClientTests
{
    // Every error answer, and what must hold beside it; a script of its own so that Python says which line is wrong.
    private const string Answers = """
        import hashlib, json, os, subprocess, sys
        import gristmill
        from gristmill import IdConflict, QueueFull, TooLarge, GristmillError

        def refused(kind, call):
            try:
                call()
            except kind as error:
                return str(error)
            raise AssertionError(f"{kind.__name__} was expected")

        def said(*words):
            return subprocess.run(os.environ["GRISTMILL"].split() + list(words), check=True, capture_output=True, text=True).stdout

        mill = gristmill.Gristmill(os.environ["REDIS_URL"])
        words = mill.queue("words")
        said("queues", "pause", "words")

        # Paused: jobs are taken and kept.
        assert words.enqueue({"transcript": "a b"}, id="p-1").outcome == "created"
        assert words.get("p-1")["paused"] and words.get("p-1")["state"] == "queued"

        # The same again, whatever changes with each push; other bytes; another payload.
        assert words.enqueue({"transcript": "a b", "queued_at": 1700000000}, id="p-1").outcome == "existing"
        assert "another payload" in refused(IdConflict, lambda: words.enqueue({"transcript": "c"}, id="p-1"))
        outcomes = [job.outcome for job in words.enqueue_many([{"transcript": "c"}, {"transcript": "d"}], ["p-1", "p-2"])]
        assert outcomes == ["conflict", "created"], outcomes

        # The id that the .NET client gave, and the fingerprint that it made of the same bytes.
        payload = '{ "transcript" : "né \\\\u0041 [1]", "n":[1, {"a":2}],"queued_at":1 , "x":null}'
        said("enqueue", "words", payload, "--id", "n-1")
        assert words.enqueue(payload, id="n-1").outcome == "existing"

        # Full, too large: nothing is enqueued.
        assert "no room for 2 more" in refused(QueueFull, lambda: words.enqueue_many([{}, {}], ["f-1", "f-2"], max_ready=4))
        assert "takes at most 10000" in refused(TooLarge, lambda: words.enqueue({"transcript": "x" * 10_000}, id="t-1"))
        assert words.get("f-1") is None and words.get("t-1") is None

        # Cancelled before it came, and too late.
        assert words.cancel("never-came") == "remembered"
        assert words.enqueue({"transcript": "a"}, id="never-came").outcome == "cancelled"
        assert words.cancel("never-came") == "ended"

        # Cut after sending: the call is made again, and there is one job.
        connection = mill.redis.connection_pool.get_connection("PING")
        mill.redis.connection_pool.release(connection)
        read, cuts = connection.read_response, []
        def cut(*args, **kwargs):
            if not cuts:
                cuts.append(read(*args, **kwargs))
                connection.disconnect()
                raise gristmill.redis.ConnectionError("cut after the answer")
            return read(*args, **kwargs)
        words.rules()
        connection.read_response = cut
        status = words.call("enqueue", [{"id": "cut-1", "fingerprint": "f", "after": "", "header": '{"raw":1,"id":"cut-1"}', "payload": b"{}"}],
                            epoch="e", max_ready=0, id_window=60000, max_waiting=0)
        assert cuts and status[0] == 0 and status[2] == [1], (cuts, status)

        # Another major version of the protocol is refused by name; scripts from a file do as those in Redis.
        exported = json.loads(said("scripts", "export"))
        assert words.enqueue({"transcript": "e"}, id="file-1").outcome == "created"
        assert gristmill.Gristmill(os.environ["REDIS_URL"], scripts=exported).queue("words").enqueue({"transcript": "e"}, id="file-1").outcome == "existing"
        exported["protocol"] = "2.0"
        other = gristmill.Gristmill(os.environ["REDIS_URL"], scripts=exported).queue("words")
        assert "speak protocol 2.0" in refused(GristmillError, lambda: other.enqueue({}))
        assert "No silo of the service 'nobody'" in refused(GristmillError, lambda: gristmill.Gristmill(os.environ["REDIS_URL"], "nobody").queue("words").enqueue({}))

        # On again: what was kept is done; what cannot be a job is a dead letter that says why.
        said("queues", "resume", "words")
        assert words.wait("p-1")["result"]["words"] == 2
        bad = words.wait(words.enqueue(b"[1]").id)
        assert bad["state"] == "dead" and bad["header"]["why"] == "malformed", bad
        late = words.enqueue({"transcript": "z", "run_at": "2999-01-01T00:00:00Z", "priority": "high"}, id="late-1")
        print("all as it should be")
        """;

    [Fact]
    public async Task Example_of_the_readme_does_as_it_says_and_error_answers_are_those_of_the_protocol()
    {
        Tools.RequirePythonModule("redis", "python3-redis");
        await using var sample = await SampleSilo.CreateAsync("python-client");
        await sample.StartAsync();
        var said = await sample.RunBlockAsync("a producer");

        Assert.Matches(
            """
            ^Job\(id='[0-9a-f]{32}', outcome='created'\)
            Job\(id='[0-9a-f]{32}', outcome='existing'\)
            (?:queued|running|completed)(?s:.*)
            completed(?: \S+)*
            \{'words': 6, 'unique': 4, 'top': \[\['to', 2\], \['be', 2\], \['or', 1\], \['not', 1\]\]\}
            \['created', 'created', 'created'\]
            (?:cancelled|requested) changed my mind
            """,
            said);
        Assert.Contains("all as it should be", await sample.ShellAsync($"/usr/bin/python3 - <<'END'\n{Answers}\nEND"), StringComparison.Ordinal);
        var late = await sample.JobAsync("words", "late-1", "scheduled");
        Assert.Equal(2, late.GetProperty("priority").GetInt32());
    }
}
