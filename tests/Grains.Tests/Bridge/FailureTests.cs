using System.Text;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Grains.Tests.Workers;
using Gristmill.Store;
using Gristmill.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary>Attempts that fail, and payloads that are no jobs.</summary>
public sealed class FailureTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Failed_attempts_are_made_again_until_one_succeeds(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1,"job_id":"f","do":"fail","times":2}""");
        var job = await stage.JobAsync("f", JobState.Completed);
        Assert.Equal((3, 3), (job.Attempt, stage.Orders.Calls.Count));
        Assert.Equal([1, 2, 3], stage.Orders.Calls.Select(c => c.Job.Attempt));
        Assert.All(stage.Orders.Calls, c => Assert.Equal((4, "f", "grist/f"), (c.Job.MaxAttempts, c.Job.JobId, c.Job.IdempotencyKey)));
        Assert.Equal(3, stage.Orders.Calls.Select(c => c.Job.FencingToken).Distinct().Count());
        Assert.Equal(2, job.Header.Errors.Count);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Retries_spent_make_a_dead_letter_with_all_errors(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync(q => q.Retry.BaseSeconds = 600);
        await stage.PushAsync("""{"n":1,"do":"fail","retry_count":2,"retry_delay":0.3}""");
        var letter = Assert.Single(await stage.DeadAsync(1));
        Assert.Equal(("retries", 3), (letter.Header.Reason, letter.Header.Attempts));
        Assert.Equal("""{"n":1,"do":"fail","retry_count":2,"retry_delay":0.3}""", Encoding.UTF8.GetString(letter.Payload.Span));
        var errors = letter.Header.Errors;
        Assert.Equal(["failure 1 of 1", "failure 2 of 1", "failure 3 of 1"], errors.Select(e => e.Message.Split('\n')[0].Split(": ")[1]));
        Assert.InRange(errors[1].At - errors[0].At, 300, 1500);
        Assert.InRange(errors[2].At - errors[1].At, 600, 2500);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Fatal_failure_is_not_tried_again(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1,"do":"fatal"}""");
        Assert.Equal("fatal", Assert.Single(await stage.DeadAsync(1)).Header.Reason);
        Assert.Single(stage.Orders.Calls);
    }

    [Fact]
    public async Task Out_of_memory_has_its_own_budget()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        await stage.StartSiloAsync(q => (q.OutOfMemoryBudget, q.Retry.Retries) = (1, 0));
        await stage.PushAsync("""{"n":1,"do":"oom"}""");
        var letter = Assert.Single(await stage.DeadAsync(1));
        Assert.Equal(("out_of_memory", 2), (letter.Header.Reason, letter.Header.OutOfMemory));
        Assert.Equal(2, stage.Orders.Calls.Count);
    }

    [Fact]
    public async Task Item_that_is_no_job_is_logged_as_refused_and_not_as_tried()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync();
        await stage.PushAsync("no job", """{"n":1,"do":"fatal"}""");
        await stage.DeadAsync(2);
        Assert.Contains("was refused before any attempt and is a dead letter (malformed)", Assert.Single(silo.Log.Lines, l => l.Event == 1037).Text, StringComparison.Ordinal);
        Assert.Contains("after attempt 1 (fatal)", Assert.Single(silo.Log.Lines, l => l.Event == 1034).Text, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Attempt_over_its_limit_is_told_to_end_and_made_again(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1,"do":"hang","timeout":0.2,"retry_count":1}""");
        var letter = Assert.Single(await stage.DeadAsync(1));
        Assert.Equal("timeout", letter.Header.Reason);
        Assert.Equal(["timeout", "timeout"], letter.Header.Errors.Select(e => e.Kind));
        Assert.Equal([1, 1], stage.Orders.Told);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Handler_that_ignores_its_limit_keeps_its_slot_until_it_returns(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var silo = await stage.StartSiloAsync(q => q.Concurrency = 1);
        await stage.PushAsync("""{"n":1,"job_id":"deaf","do":"stubborn","timeout":0.2}""", """{"n":2}""");
        await stage.Orders.ToldAsync(1);
        await silo.StatusAsync("it runs still", s => s.Running == 1);
        Assert.Equal([1], stage.Orders.Numbers);
        stage.Orders.Release(1);
        await stage.JobAsync("deaf", JobState.Completed);
        await stage.CompletedAsync(2);
        Assert.Equal(1, stage.Orders.Most);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Text_that_no_encoding_can_hold_does_not_stop_the_queue(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var silo = await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1,"do":"odd","retry_count":0}""", """{"n":2}""");
        Assert.StartsWith("half a pair", Assert.Single(await stage.DeadAsync(1)).Header.Errors[0].Message.Split(": ", 2)[1], StringComparison.Ordinal);
        await stage.CompletedAsync(1);
        Assert.Equal(0, silo.Log.Count(1052));
    }

    [Fact]
    public async Task Worker_that_crashes_spends_the_budget_for_lost_workers()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync(q => (q.Worker, q.LostBudget) = (Pools.Options(), 2));
        await stage.PushAsync("""{"do":"exit0","job_id":"x"}""", """{"do":"pid","job_id":"y"}""");
        var dead = await stage.JobAsync("x", JobState.Dead);
        Assert.Equal(("lost_worker", 3, 0), (dead.Header.Reason, dead.Header.Lost, dead.Header.Attempts));
        Assert.Equal(["lost", "lost", "lost"], dead.Header.Errors.Select(e => e.Kind));
        Assert.Equal([1, 1, 1], dead.Header.Errors.Select(e => e.Attempt));
        Assert.Equal(1, dead.Attempt);
        await stage.JobAsync("y", JobState.Completed);
        await silo.StatusAsync("no slot is lost", s => (s.Held, s.Running) == (0, 0));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Name_that_is_no_Unicode_is_one_that_nobody_knows(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var silo = await stage.StartSiloAsync(q => q.Worker = Pools.Options());
        await stage.PushAsync("""{"\ud800":1,"do":"pid"}""", """{"job_id\udc00":1,"do":"pid","job_id":"x","reply_to\udc00":[]}""");
        await stage.CompletedAsync(2);
        await stage.JobAsync("x", JobState.Completed);
        Assert.Equal(0, silo.Log.Count(1052));
    }

    // A prefix that is null makes the reader of "reply_to" throw: it stands for whatever nobody has thought of.
    [Theory]
    [InlineData("""{"n":1,"reply_to":"r"}""")]
    [InlineData("""{"n":1,"job_id":"x","reply_to":"r","session_id":"s"}""")]
    public async Task Item_whose_reading_fails_is_a_dead_letter_and_the_others_go_on(string payload)
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync(q => q.ReplyToPrefixes = [null!]);
        await stage.PushAsync("""{"n":3,"do":"hold"}""");
        await stage.Orders.CalledAsync(3);
        await stage.PushAsync(payload, """{"n":2}""");
        var letter = Assert.Single(await stage.DeadAsync(1));
        Assert.Equal(("malformed", payload), (letter.Header.Reason, Encoding.UTF8.GetString(letter.Payload.Span)));
        Assert.StartsWith("The payload could not be read: ArgumentNullException: ", Assert.Single(letter.Header.Errors).Message, StringComparison.Ordinal);
        stage.Orders.Release(3);
        await stage.CompletedAsync(2);
        Assert.Equal((1, 0), (silo.Log.Count(1023), silo.Log.Count(1052)));
        Assert.Equal([2, 3], stage.Orders.Numbers.Order());
    }

    [Fact]
    public async Task Record_whose_reading_fails_is_a_dead_letter_and_the_others_go_on()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync(q => q.ReplyToPrefixes = [null!]);
        await stage.EnqueueAsync((new JobHeader { ReplyTo = "r" }, """{"n":1}"""), (new JobHeader { Timeout = long.MaxValue }, """{"n":2}"""), (new JobHeader(), """{"n":3}"""));
        Assert.Equal(["corrupt", "corrupt"], (await stage.DeadAsync(2)).Select(l => l.Header.Reason));
        await stage.CompletedAsync(1);
        Assert.Equal((1, 0), (silo.Log.Count(1023), silo.Log.Count(1052)));
    }

    [Fact]
    public async Task Bridge_that_fails_again_and_again_says_so()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync();
        silo.Log.ThrowsAt = 1013;
        for (var n = 1; n <= 3; n++)
        {
            Assert.Null((await silo.StatusAsync()).Trouble);
            await stage.PushAsync($$"""{"n":{{n}},"priority":"high"}""");
            await Eventually.EqualAsync(n, () => Task.FromResult(silo.Log.Count(1052)), cancellationToken: TestContext.Current.CancellationToken);
        }

        var status = await silo.StatusAsync("the trouble is said", s => s.Trouble is not null);
        Assert.Contains("failed 3 times within a minute", status.Trouble, StringComparison.Ordinal);
        Assert.Contains("told to throw", status.Trouble, StringComparison.Ordinal);
        await stage.CompletedAsync(3);
    }

    [Fact]
    public async Task Errors_of_jobs_do_not_steer_the_terminal_that_shows_the_log()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync(q => q.Worker = Pools.Options());
        await stage.PushAsync("""{"do":"error","kind":"retry","retry_count":1,"message":"odd\u001b[2J\rover\u202e\u009b"}""");
        var letter = Assert.Single(await stage.DeadAsync(1));
        Assert.Contains("odd\u001b[2J\rover\u202e\u009b", letter.Header.Errors[^1].Message, StringComparison.Ordinal);
        foreach (var told in new[] { 1034, 1036 })
        {
            var line = Assert.Single(silo.Log.Lines, l => l.Event == told).Text;
            Assert.Contains("odd\uFFFD[2J over\uFFFD\uFFFD", line, StringComparison.Ordinal);
        }
    }

    public static TheoryData<StoreKind, string, string> NoJobs
    {
        get
        {
            var data = new TheoryData<StoreKind, string, string>();
            foreach (var kind in Enum.GetValues<StoreKind>())
            {
                data.Add(kind, "not json", "malformed");
                data.Add(kind, "[1,2]", "malformed");
                data.Add(kind, """{"n":1} trailing""", "malformed");
                data.Add(kind, """{"n":1,"timeout":"soon"}""", "invalid_field");
                data.Add(kind, """{"n":1,"job_id":"known","retry_count":-1}""", "invalid_field");
                data.Add(kind, """{"n":1,"retry_count":-1,"job_id":"known"}""", "invalid_field");
                data.Add(kind, """{"n":1,"reply_to":"elsewhere"}""", "invalid_field");
                data.Add(kind, """{"class":"Hard","args":[1],"jid":"b4a577edbccf1d805744efa9","retry":true}""", "foreign_dialect");
                data.Add(kind, $$"""{"n":1,"pad":"{{new string('x', 2000)}}"}""", "too_large");
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(NoJobs))]
    public async Task Item_that_is_no_job_is_a_dead_letter_with_its_bytes(StoreKind kind, string payload, string reason)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var silo = await stage.StartSiloAsync(q => (q.MaxPayloadBytes, q.ReplyToPrefixes) = (1000, ["replies:"]));
        await stage.PushAsync(payload, """{"n":2}""");
        var letter = Assert.Single(await stage.DeadAsync(1));
        Assert.Equal((reason, payload), (letter.Header.Reason, Encoding.UTF8.GetString(letter.Payload.Span)));
        Assert.Equal((0, 0), (letter.Attempt, Assert.Single(letter.Header.Errors).Attempt));
        Assert.Equal(payload.Contains("known", StringComparison.Ordinal) ? "known" : null, letter.Header.GivenId);
        Assert.Equal(letter.Seq, (await stage.FindAsync(letter.Id))?.Seq);
        await stage.CompletedAsync(1);
        Assert.Equal([2], stage.Orders.Numbers);
        var statistics = silo.Services.GetRequiredService<QueueMonitor>();
        await Eventually.EqualAsync((1L, 1L), () => Task.FromResult((statistics.Completed, statistics.Dead)), cancellationToken: TestContext.Current.CancellationToken);

        // Nobody has mended it: it is judged again.
        await stage.RequeueAsync(letter.Seq);
        if (reason != "too_large") Assert.Equal(reason, Assert.Single(await Again(stage, letter)).Header.Reason);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Bytes_that_are_no_text_are_kept_as_they_are(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        byte[] bytes = [(byte)'{', 0xff, 0x00, 0xfe, (byte)'\n', (byte)'}'];
        await stage.PushBytesAsync(bytes);
        var letter = Assert.Single(await stage.DeadAsync(1));
        Assert.Equal("malformed", letter.Header.Reason);
        Assert.Equal(bytes, letter.Payload.ToArray());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Id_with_another_payload_is_a_conflict_that_can_be_found(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync();
        await stage.PushAsync("""{"n":1,"job_id":"same"}""");
        await stage.JobAsync("same", JobState.Completed);
        await stage.PushAsync("""{"n":2,"job_id":"same"}""");
        var letter = Assert.Single(await stage.DeadAsync(1));
        Assert.Equal("id_conflict", letter.Header.Reason);
        Assert.NotEqual("same", letter.Id);
        Assert.Equal(JobState.Dead, (await stage.FindAsync(letter.Id))!.State);
        Assert.Equal("1", Stage.Result((await stage.FindAsync("same"))!));
        Assert.Equal([1], stage.Orders.Numbers);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task List_of_nothing_but_poison_is_claimed_ever_more_slowly_and_others_go_on(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var good = stage.List + ":good";
        const int claim = 512;
        await stage.PushAsync([.. Enumerable.Range(1, 4 * claim).Select(i => $"poison {i}")]);
        await stage.PushToAsync(good, [.. Enumerable.Range(1, 30).Select(n => $$"""{"n":{{n}}}""")]);
        await stage.StartSiloAsync(q => (q.Lists, q.Concurrency) = ([new ListOptions { Name = good, Priority = 6 }], claim));
        await stage.CompletedAsync(30);
        await Eventually.MatchesAsync("all of it is dead", async () => await stage.Store.CountAsync(TestContext.Current.CancellationToken), c => c.Dead == 4 * claim,
            cancellationToken: TestContext.Current.CancellationToken);
        var newest = await stage.Store.ListAsync(JobState.Dead, null, 1000, TestContext.Current.CancellationToken);
        var older = await stage.Store.ListAsync(JobState.Dead, newest.Cursor, 1000, TestContext.Current.CancellationToken);
        var claimed = newest.Jobs.Concat(older.Jobs).Select(j => j.Header.EnqueuedAt).Order().ToList();

        // Rests of 0.2 ms an item come to 410 ms in all; with rests that double every 512 items it is over 700. A crowded machine
        // only makes it longer.
        Assert.True(claimed[^1] - claimed[0] >= 600, $"{claimed[^1] - claimed[0]} ms from the first claim to the last");
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Full_dead_letters_stop_claiming_until_some_are_purged(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var silo = await stage.StartSiloAsync(q => (q.DeadLetterLimit, q.Concurrency) = (2, 1));
        await stage.PushAsync("""{"n":1,"do":"fatal"}""", """{"n":2,"do":"fatal"}""");
        var letters = await stage.DeadAsync(2);
        await stage.PushAsync("""{"n":3}""");
        await silo.StatusAsync("it says why", s => s.Trouble?.Contains("dead letters", StringComparison.Ordinal) == true);
        await stage.EnqueueAsync((new JobHeader { Id = "admitted" }, """{"n":4}"""));
        await stage.JobAsync("admitted", JobState.Completed);
        Assert.Equal(1, await stage.LengthAsync(stage.List));
        Assert.Equal(1, silo.Log.Count(1011));
        await stage.PurgeAsync(letters[0].Seq);
        await stage.Orders.CalledAsync(3);
        await silo.StatusAsync("no trouble any more", s => s.Trouble is null);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Full_of_waiting_jobs_stops_claiming_until_one_goes(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var silo = await stage.StartSiloAsync(q => (q.WaitingLimit, q.Concurrency) = (2, 1));
        await stage.PushAsync("""{"job_id":"far","run_at":"2090-01-01T00:00:00Z"}""", """{"job_id":"never","depends_on":["nobody"]}""");
        await stage.JobAsync("never", JobState.Deferred);
        await stage.PushAsync("""{"n":3}""");
        await silo.StatusAsync("it says why", s => s.Trouble?.Contains("WaitingLimit 2", StringComparison.Ordinal) == true);
        await stage.EnqueueAsync((new JobHeader { Id = "admitted" }, """{"n":4}"""));
        await stage.JobAsync("admitted", JobState.Completed);
        Assert.Equal(1, await stage.LengthAsync(stage.List));
        Assert.Equal(1, silo.Log.Count(1015));
        await stage.Store.CancelAsync(["far"], "", TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await stage.CompletedAsync(2);
        await silo.StatusAsync("no trouble any more", s => s.Trouble is null);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task List_of_the_wrong_type_is_told_and_others_go_on_until_it_is_mended(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var good = stage.List + ":good";
        await stage.DoAsync("SET", stage.List, "no list");
        var silo = await stage.StartSiloAsync(q => q.Lists = [new ListOptions { Name = good, Priority = 6 }]);
        await silo.StatusAsync("it says which", s => s.Trouble?.Contains($"'{stage.List}'", StringComparison.Ordinal) == true);
        await stage.PushToAsync(good, """{"n":1}""");
        await stage.CompletedAsync(1);
        Assert.Contains(stage.List, (await silo.StatusAsync()).Trouble, StringComparison.Ordinal);
        await stage.DoAsync("DEL", stage.List);
        await stage.PushAsync("""{"n":2}""");
        await stage.CompletedAsync(2);
        await silo.StatusAsync("no trouble any more", s => s.Trouble is null);
        Assert.Equal(1, silo.Log.Count(1010));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Record_that_cannot_be_read_is_a_dead_letter_and_ends_nothing_else(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.ModeAsync(QueueMode.Paused);
        var results = await stage.EnqueueAsync((new JobHeader(), """{"n":1}"""), (new JobHeader(), """{"n":2}"""));
        await stage.DoAsync("HSET", stage.Store.Keys.JobsOf(results[0].Seq), $"{results[0].Seq}", "{broken\n{}");
        await stage.StartSiloAsync();
        await stage.ModeAsync(QueueMode.Open);
        await stage.CompletedAsync(1);
        Assert.Equal("corrupt", Assert.Single(await stage.DeadAsync(1)).Header.Reason);
    }

    private static Task<IReadOnlyList<JobView>> Again(Stage stage, JobView first) => Soon.MatchesAsync(
        "it is dead again", () => stage.DeadAsync(1), letters => letters[0].Header.FinishedAt > first.Header.FinishedAt);
}
