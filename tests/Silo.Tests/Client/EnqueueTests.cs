using System.Diagnostics;
using System.Text;
using Gristmill.Client;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Client;

/// <summary>Enqueueing and reading, with no silo anywhere.</summary>
public sealed class EnqueueTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const int WarmUps = 3;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<EnqueueOptions, string> BadOptions() => new()
    {
        { new EnqueueOptions { Id = string.Empty }, "id" },
        { new EnqueueOptions { Id = new string('x', 257) }, "id" },
        { new EnqueueOptions { SessionId = "a\nb" }, "sessionId" },
        { new EnqueueOptions { Priority = 10 }, "priority" },
        { new EnqueueOptions { MaxAttempts = 0 }, "maxAttempts" },
        { new EnqueueOptions { MaxAttempts = 1002 }, "maxAttempts" },
        { new EnqueueOptions { Timeout = TimeSpan.Zero }, "timeoutSeconds" },
        { new EnqueueOptions { Timeout = TimeSpan.FromDays(31) }, "timeoutSeconds" },
        { new EnqueueOptions { DependsOn = [.. Enumerable.Range(0, 101).Select(i => $"p{i}")] }, "dependsOn" },
        { new EnqueueOptions { ReplyTo = string.Empty }, "replyTo" },
    };

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Enqueue_typed_payload_is_stored_with_the_stores_own_id(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind, o => o.GenerateIds = false);
        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 7), cancellationToken: Stop);
        var job = await handle.GetAsync(Stop);

        Assert.True(handle.Created);
        Assert.Matches("^[a-z0-9]+-1$", handle.Id);
        Assert.NotNull(job);
        Assert.Equal(JobState.Queued, job.State);
        Assert.Equal("""{"sessionId":"s1","chunk":7}""", Encoding.UTF8.GetString(job.Payload.Span));
        Assert.Equal("silo", job.WaitingFor?.For);
        Assert.Null(job.Result);
        Assert.Equal(0, job.Attempt);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Enqueue_same_id_and_payload_again_is_the_existing_job(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind);
        var first = await fixture.Queue.EnqueueAsync(new Clip("s1", 7), new EnqueueOptions { Id = "clip-7" }, Stop);
        var second = await fixture.Queue.EnqueueAsync(new Clip("s1", 7), new EnqueueOptions { Id = "clip-7" }, Stop);

        Assert.True(first.Created);
        Assert.False(second.Created);
        Assert.Equal(EnqueueOutcome.Existing, second.Outcome);
        Assert.Equal("clip-7", second.Id);
        Assert.Equal(1, (await fixture.Queue.GetInfoAsync(Stop)).Counts.Queued);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Enqueue_same_id_with_another_payload_is_a_conflict(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind);
        await fixture.Queue.EnqueueAsync(new Clip("s1", 7), new EnqueueOptions { Id = "clip-7" }, Stop);
        var conflict = await Assert.ThrowsAsync<JobConflictException>(
            () => fixture.Queue.EnqueueAsync(new Clip("s1", 8), new EnqueueOptions { Id = "clip-7" }, Stop));

        Assert.Equal("clip-7", conflict.Id);
        Assert.Equal(1, (await fixture.Queue.GetInfoAsync(Stop)).Counts.Queued);
    }

    [Fact]
    public async Task Enqueue_payload_members_are_read_and_options_come_first()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var payload = """{"job_id":"from-payload","session_id":"s9","priority":"high","retry_count":4,"run_at":"2999-01-01T00:00:00Z"}"""u8.ToArray();
        var handle = await fixture.Queue.EnqueueRawAsync(payload, new EnqueueOptions { SessionId = "s1", MaxAttempts = 2 }, Stop);
        var job = await fixture.Queue.GetAsync("from-payload", Stop);

        Assert.Equal("from-payload", handle.Id);
        Assert.Equal("s1", job?.SessionId);
        Assert.Equal(2, job?.Priority);
        Assert.Equal(2, job?.MaxAttempts);
        Assert.Equal(JobState.Scheduled, job?.State);
        Assert.Equal(new DateTimeOffset(2999, 1, 1, 0, 0, 0, TimeSpan.Zero), job?.WaitingFor?.Until);
    }

    [Fact]
    public async Task Enqueue_job_that_depends_on_another_waits_for_it()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var parent = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        var child = await fixture.Queue.EnqueueAsync(new Clip("s1", 2), new EnqueueOptions { DependsOn = [parent.Id] }, Stop);
        var job = await child.GetAsync(Stop);

        Assert.Equal(JobState.Deferred, job?.State);
        Assert.Equal([parent.Id], job?.WaitingFor?.Jobs);
    }

    [Theory, MemberData(nameof(BadOptions))]
    public async Task Enqueue_option_out_of_bounds_is_refused_by_name(EnqueueOptions options, string field)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var refused = await Assert.ThrowsAsync<InvalidJobException>(() => fixture.Queue.EnqueueAsync(new Clip("s1", 1), options, Stop));

        Assert.Equal(field, refused.Field);
        Assert.Contains($"'{field}'", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await fixture.Queue.GetInfoAsync(Stop)).Counts.Queued);
    }

    [Theory]
    [InlineData("[1,2]", "malformed")]
    [InlineData("{\"a\":", "malformed")]
    [InlineData("{\"priority\":[]}", "invalid_field")]
    [InlineData("{\"class\":\"W\",\"args\":[],\"jid\":\"1\"}", "foreign_dialect")]
    public async Task Enqueue_payload_that_no_silo_would_take_is_refused(string payload, string reason)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var refused = await Assert.ThrowsAsync<InvalidJobException>(() => fixture.Queue.EnqueueRawAsync(Encoding.UTF8.GetBytes(payload), cancellationToken: Stop));
        Assert.Equal(("payload", reason), (refused.Field, refused.Reason));
    }

    [Fact]
    public async Task Enqueue_payload_over_the_bound_is_refused_with_the_bound()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis, o => o.Defaults.MaxPayloadBytes = 20);
        var refused = await Assert.ThrowsAsync<InvalidJobException>(() => fixture.Queue.EnqueueRawAsync("""{"text":"longer than it may be"}"""u8.ToArray(), cancellationToken: Stop));
        Assert.Equal("The payload has 32 bytes; the queue takes at most 20.", refused.Message);
    }

    [Fact]
    public async Task Enqueue_queue_that_takes_anything_keeps_the_bytes()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis, o => o.Queues["asr"] = new ClientQueueOptions { AllowOpaque = true });
        byte[] bytes = [0, 255, 10, 13];
        var handle = await fixture.Queue.EnqueueRawAsync(bytes, cancellationToken: Stop);
        Assert.Equal(bytes, (await handle.GetAsync(Stop))?.Payload.ToArray());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task EnqueueMany_ten_thousand_keeps_order_and_ids(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind);
        var jobs = Enumerable.Range(0, IQueueClient.MaxBatch).Select(i => new EnqueueRequest(Encoding.UTF8.GetBytes($$"""{"n":{{i}}}"""))).ToList();
        var handles = await fixture.Queue.EnqueueManyAsync(jobs, Stop);

        Assert.Equal(IQueueClient.MaxBatch, handles.Count);
        Assert.All(handles, h => Assert.True(h.Created));
        Assert.Equal(IQueueClient.MaxBatch, (await fixture.Queue.GetInfoAsync(Stop)).Counts.Queued);
        Assert.Equal("""{"n":9999}""", Encoding.UTF8.GetString((await handles[^1].GetAsync(Stop))!.Payload.Span));
    }

    [Fact]
    public async Task EnqueueMany_more_than_the_bound_is_refused()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var jobs = new EnqueueRequest[IQueueClient.MaxBatch + 1];
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => fixture.Queue.EnqueueManyAsync(jobs, Stop));
        Assert.Contains("10001", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EnqueueMany_one_bad_job_stops_all_and_is_named()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        EnqueueRequest[] jobs = [new("{}"u8.ToArray()), new("nonsense"u8.ToArray())];
        var refused = await Assert.ThrowsAsync<InvalidJobException>(() => fixture.Queue.EnqueueManyAsync(jobs, Stop));

        Assert.Equal(1, refused.Index);
        Assert.Equal(0, (await fixture.Queue.GetInfoAsync(Stop)).Counts.Queued);
    }

    [Fact]
    public async Task EnqueueMany_conflict_of_one_leaves_the_others()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        EnqueueRequest Request(string id, int n) => new(Encoding.UTF8.GetBytes($$"""{"n":{{n}}}"""), new EnqueueOptions { Id = id });
        var handles = await fixture.Queue.EnqueueManyAsync([Request("a", 1), Request("a", 2), Request("a", 1), Request("b", 2)], Stop);
        Assert.Equal(
            [EnqueueOutcome.Created, EnqueueOutcome.Conflict, EnqueueOutcome.Existing, EnqueueOutcome.Created],
            handles.Select(h => h.Outcome));
    }

    [Fact]
    public async Task EnqueueMany_full_queue_says_what_was_enqueued()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis, o => o.Defaults.MaxReady = 700);
        var jobs = Enumerable.Repeat(new EnqueueRequest("{}"u8.ToArray()), 1200).ToList();
        var full = await Assert.ThrowsAsync<QueueFullException>(() => fixture.Queue.EnqueueManyAsync(jobs, Stop));

        Assert.Equal((500, 0), (full.Enqueued.Count, full.Uncertain));
        Assert.Contains("700", full.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Enqueue_of_a_job_that_would_wait_beyond_the_bound_is_refused_and_others_are_not()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis, o => o.Defaults.MaxWaiting = 1);
        var later = new EnqueueOptions { RunAt = DateTimeOffset.UnixEpoch.AddYears(120) };
        await fixture.Queue.EnqueueAsync(new Clip("s1", 1), later, Stop);
        var full = await Assert.ThrowsAsync<QueueFullException>(() => fixture.Queue.EnqueueAsync(new Clip("s1", 2), later, Stop));

        Assert.Contains("more than 1 jobs would wait", full.Message, StringComparison.Ordinal);
        Assert.Contains("MaxWaiting", full.Message, StringComparison.Ordinal);
        Assert.True((await fixture.Queue.EnqueueAsync(new Clip("s1", 3), cancellationToken: Stop)).Created);
    }

    [Fact]
    public async Task Enqueue_trace_context_of_the_caller_goes_with_the_job()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        using var activity = new Activity("test").SetIdFormat(ActivityIdFormat.W3C).Start();
        activity.TraceStateString = "vendor=1";
        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        var silo = await fixture.SiloAsync();
        var view = await silo.Store.GetAsync(handle.Id, Stop);

        Assert.Equal(activity.Id, view?.Header.TraceParent);
        Assert.Equal("vendor=1", view?.Header.TraceState);
    }

    [Fact]
    public async Task EnqueueMany_answer_lost_is_repeated_and_enqueues_each_once()
    {
        var server = await stores.GetAsync(StoreKind.Redis);
        await using var proxy = TcpProxy.Start(server.Port);
        await using var fixture = ClientFixture.Create(server.Url, clientUrl: proxy.Url);
        await WarmUpAsync(fixture);
        proxy.CutAfterReplyBytes(0);
        var handles = await fixture.Queue.EnqueueManyAsync([.. Enumerable.Range(0, 50).Select(n => EnqueueRequest.Of(new Clip("s1", n)))], Stop);

        Assert.All(handles, h => Assert.True(h.Created));
        Assert.Equal(WarmUps + 50, (await fixture.Queue.GetInfoAsync(Stop)).Counts.Queued);
    }

    [Fact]
    public async Task Enqueue_answer_lost_without_an_id_says_that_the_outcome_is_unknown()
    {
        var server = await stores.GetAsync(StoreKind.Redis);
        await using var proxy = TcpProxy.Start(server.Port);
        await using var fixture = ClientFixture.Create(server.Url, o => o.GenerateIds = false, proxy.Url);
        await WarmUpAsync(fixture);
        proxy.CutAfterReplyBytes(0);
        var failed = await Assert.ThrowsAsync<EnqueueFailedException>(() => fixture.Queue.EnqueueAsync(new Clip("s1", 2), cancellationToken: Stop));

        Assert.Equal(1, failed.Uncertain);
        Assert.StartsWith("It is not known whether the job reached the queue 'asr': ", failed.Message, StringComparison.Ordinal);
        Assert.EndsWith(" Give jobs an id, so that enqueueing them again is safe.", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Enqueue_answer_lost_for_good_with_an_id_says_nothing_of_ids()
    {
        var server = await stores.GetAsync(StoreKind.Redis);
        await using var proxy = TcpProxy.Start(server.Port);
        await using var fixture = ClientFixture.Create(server.Url, o => o.MaxRetries = 0, proxy.Url);
        await WarmUpAsync(fixture);
        proxy.CutAfterReplyBytes(0);
        var failed = await Assert.ThrowsAsync<EnqueueFailedException>(() => fixture.Queue.EnqueueAsync(new Clip("s1", 2), new EnqueueOptions { Id = "mine" }, Stop));

        Assert.Equal(1, failed.Uncertain);
        Assert.DoesNotContain("Give jobs an id", failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("clip-2")]
    [InlineData(null)]
    public async Task Enqueue_answer_lost_is_repeated_and_enqueues_once_whoever_made_the_id(string? id)
    {
        var server = await stores.GetAsync(StoreKind.Redis);
        await using var proxy = TcpProxy.Start(server.Port);
        await using var fixture = ClientFixture.Create(server.Url, clientUrl: proxy.Url);
        await WarmUpAsync(fixture);
        proxy.CutAfterReplyBytes(0);
        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 2), new EnqueueOptions { Id = id }, Stop);

        Assert.Equal(WarmUps + 1, (await fixture.Queue.GetInfoAsync(Stop)).Counts.Queued);
        Assert.NotNull(await handle.GetAsync(Stop));
        Assert.Equal(id is null, handle.Created);
    }

    // The client first asks whether the server has its scripts: the answer that is lost shall be that of the call.
    private static async Task WarmUpAsync(ClientFixture fixture)
    {
        for (var n = 0; n < WarmUps; n++) await fixture.Queue.EnqueueAsync(new Clip("s1", n), cancellationToken: Stop);
    }

    [Fact]
    public async Task Enqueue_wrong_type_names_the_key()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var silo = new HandSilo(fixture.Redis, fixture.Service, "asr");
        await fixture.Redis.ExecuteAsync(new Gristmill.Redis.RedisCommand("SET", silo.Store.Keys.Of("ready"), "mine"), Stop);
        var wrong = await Assert.ThrowsAsync<WrongTypeException>(() => fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop));
        Assert.Equal(silo.Store.Keys.Of("ready"), wrong.Key);
    }
}
