using System.Diagnostics;
using System.Text;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Store;

namespace Gristmill.Silo.Tests.Faults;

/// <summary>What producers can push by mistake or in malice.</summary>
public sealed class HostileItemTests
{
    private const string Calm = "calm";

    [Fact]
    public async Task Items_that_cannot_be_jobs_are_dead_letters_with_their_bytes_and_a_reason()
    {
        await using var bench = await FaultBench.StartAsync();
        FaultItem[] items =
        [
            Dead("brace", """{"k":"brace","workMs":1""", "malformed"),
            Dead("trailing", """{"k":"trailing"} {}""", "malformed"),
            Dead("array", """["k","k":"array"]""", "malformed"),
            Dead("text", "\"k\":\"text\"", "malformed"),
            Dead("deep", "{\"k\":\"deep\",\"a\":" + new string('[', 10_000) + new string(']', 10_000) + "}", "malformed"),
            Dead("number", """{"k":"number","retry_count":"many"}""", "invalid_field"),
            Dead("reply", """{"k":"reply","reply_to":"gristmill:faults:{mill}:meta"}""", "invalid_field"),
            Dead("longid", $$"""{"k":"longid","job_id":"{{new string('x', 257)}}"}""", "invalid_field"),
            Dead("emptyid", """{"k":"emptyid","job_id":""}""", "invalid_field"),
            Dead("surrogate", """{"k":"surrogate","job_id":"\ud800"}""", "invalid_field"),
            new("utf8", [.. FaultLoad.Json("""{"k":"utf8","a":" """), 0xC3, 0x28, 0xFF, .. FaultLoad.Json("\"}")], JobState.Dead, "malformed"),

            // Jobs, whose C# handler cannot have such a payload as a type of its own.
            Dead("surrogate-name", """{"\ud800":1,"k":"surrogate-name"}""", "fatal"),
            new("surrogate-name-id", FaultLoad.Json("""{"k":"surrogate-name-id","job_id\udc00":1,"job_id":"n1"}"""), JobState.Dead, "fatal", Id: "n1"),
            new("nul", FaultLoad.Json("""{"k":"nul","a":"\u0000"}""")),
            new("flake", FaultLoad.Json("""{"k":"flake","job_id":9007199254740993}"""), Id: "9007199254740993"),
            new("flake-near", FaultLoad.Json("""{"k":"flake-near","job_id":9007199254740992}"""), Id: "9007199254740992"),
            new("flake-max", FaultLoad.Json("""{"k":"flake-max","job_id":18446744073709551615}"""), Id: "18446744073709551615"),
            new("unicode", FaultLoad.Json("""{"k":"unicode","job_id":"Größe-作业-🎧"}"""), Id: "Größe-作业-🎧"),
        ];
        await bench.PushAsync(items);
        await bench.PushAsync([new FaultItem("", [])]);
        await bench.StartSiloAsync();
        await Records.SettledAsync(bench, items.Length + 1);

        var jobs = await Records.ReadAsync(bench.Store);
        Assert.Equal(items.Length + 1, jobs.Count);
        var empty = Assert.Single(jobs, j => j.Payload.IsEmpty);
        Assert.Equal((JobState.Dead, "malformed"), (empty.State, empty.Header.Reason));
        foreach (var item in items)
        {
            var job = Assert.Single(jobs, j => j.Payload.Span.SequenceEqual(item.Payload));
            Assert.Equal((item.Key, item.Outcome, item.Reason), (item.Key, job.State, job.Header.Reason));
            Assert.True(item.Outcome == JobState.Completed || job.Header.Errors is [.., { Message.Length: > 20 }], $"{item.Key} has no message.");
            Assert.True(item.Id is null || item.Id == job.Id, $"{item.Key}: expected the id {item.Id}, actual {job.Id}");
        }
    }

    [Fact]
    public async Task Flood_of_items_that_are_too_large_loses_nothing_and_other_queues_go_on()
    {
        const int count = 300, size = 5 << 20;
        await using var bench = await FaultBench.StartAsync();
        var filler = Encoding.ASCII.GetString(Enumerable.Repeat((byte)'x', size).ToArray());
        var large = Enumerable.Range(0, count).Select(n => $"large{n}").ToList();
        foreach (var key in large) await bench.PushAsync([new FaultItem(key, FaultLoad.Json($$"""{"k":"{{key}}","a":"{{filler}}"}"""))]);
        var good = FaultLoad.Plain("behind", 20, workMs: 0);
        await bench.PushAsync(good);
        var silo = await bench.StartSiloAsync(new SiloSettings { OtherQueues = [Calm] });
        var began = Stopwatch.StartNew();
        await bench.OutcomesAsync(3);

        var calm = FaultLoad.Plain("calm", 200, workMs: 5);
        var calmStore = bench.StoreOf(Calm);
        await bench.PushAsync(calm, Calm);
        await FaultBench.UntilAsync("the other queue is served", async () => (await bench.CountAsync(calmStore)).Totals["completed"], n => n == calm.Count);
        var meanwhile = await Records.StandAsync(bench);
        Assert.True(meanwhile.Outcomes < count, $"The flood was over before the other queue had a chance: {meanwhile}");

        await Records.SettledAsync(bench, count + good.Count, 3 * FaultBench.Patience);
        FaultBench.Say($"{count} items of 5 MiB took {began.Elapsed.TotalSeconds:0.0} s; the silo has {silo.ResidentKiB() / 1024} MiB.");
        var counts = await bench.CountAsync();
        Assert.Equal((count, good.Count), (counts.Dead, counts.Totals["completed"]));
        await AssertDeadAsync(bench, large, size);
    }

    // One at a time: a page of them all would be as large as the flood.
    private static async Task AssertDeadAsync(FaultBench bench, IReadOnlyList<string> keys, int size)
    {
        var found = new List<string>();
        string? cursor = null;
        do
        {
            var page = await bench.Store.ListAsync(JobState.Dead, cursor, 10);
            foreach (var job in page.Jobs)
            {
                Assert.Equal("too_large", job.Header.Reason);
                Assert.InRange(job.Payload.Length, size, size + 100);
                found.Add(Records.KeyOf(job.Payload));
            }

            cursor = page.Cursor;
        }
        while (cursor is not null);
        Assert.Equal(keys.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
    }

    private static FaultItem Dead(string key, string payload, string reason) => new(key, FaultLoad.Json(payload), JobState.Dead, reason);
}
