using System.Text;
using Gristmill.Client;
using Gristmill.Store;
using Gristmill.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Tests.Client;

/// <summary>Cancel, retry, dead letters, queues and the options.</summary>
public sealed class OperateTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Cancel_each_state_has_its_outcome(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind, o => o.GenerateIds = false);
        var silo = await fixture.SiloAsync();
        var running = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        await silo.StartOneAsync();
        var waiting = await fixture.Queue.EnqueueAsync(new Clip("s1", 2), cancellationToken: Stop);

        Assert.Equal(CancelOutcome.Requested, await running.CancelAsync("enough", Stop));
        Assert.True((await running.GetAsync(Stop))?.CancelRequested);
        Assert.Equal(CancelOutcome.Cancelled, await waiting.CancelAsync("enough", Stop));
        Assert.Equal("enough", (await waiting.GetAsync(Stop))?.Reason);
        Assert.Equal(CancelOutcome.Ended, await waiting.CancelAsync(null, Stop));
        Assert.Equal(CancelOutcome.Remembered, await fixture.Queue.CancelAsync("to-come", null, Stop));
        Assert.Equal(EnqueueOutcome.Cancelled, (await fixture.Queue.EnqueueAsync(new Clip("s1", 3), new EnqueueOptions { Id = "to-come" }, Stop)).Outcome);
        Assert.Equal(CancelOutcome.Unknown, await fixture.Queue.CancelAsync(waiting.Id[..waiting.Id.IndexOf('-')] + "-999", null, Stop));
    }

    [Fact]
    public async Task Cancel_id_out_of_bounds_is_refused()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        Assert.Equal("id", (await Assert.ThrowsAsync<InvalidJobException>(() => fixture.Queue.CancelAsync(new string('ü', 129), null, Stop))).Field);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Retry_ended_job_is_ready_again_under_its_id(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind);
        var silo = await fixture.SiloAsync();
        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        Assert.Equal(RequeueOutcome.Live, await fixture.Queue.RetryAsync(handle.Id, Stop));
        await silo.CompleteAsync(await silo.StartOneAsync());

        Assert.Equal(RequeueOutcome.Requeued, await fixture.Queue.RetryAsync(handle.Id, Stop));
        Assert.Equal(JobState.Queued, (await handle.GetAsync(Stop))?.State);
        Assert.Equal(RequeueOutcome.Unknown, await fixture.Queue.RetryAsync("nobody", Stop));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task DeadLetters_get_shows_reason_errors_and_payload(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind);
        var silo = await fixture.SiloAsync();
        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), new EnqueueOptions { SessionId = "s1" }, Stop);
        Assert.Null(await fixture.Queue.DeadLetters.GetAsync(handle.Id, Stop));
        await silo.BuryAsync(await silo.StartOneAsync(), "fatal", "broken clip");
        var letter = await fixture.Queue.DeadLetters.GetAsync(handle.Id, Stop);

        Assert.NotNull(letter);
        Assert.Equal(("fatal", 1, "s1"), (letter.Reason, letter.Attempts, letter.SessionId));
        Assert.Equal("broken clip", Assert.Single(letter.Errors).Message);
        Assert.Equal(1, letter.Payload?.GetProperty("chunk").GetInt32());
    }

    [Fact]
    public async Task DeadLetters_payload_that_is_no_text_is_base64()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis, o => o.Defaults.AllowOpaque = true);
        var silo = await fixture.SiloAsync();
        var handle = await fixture.Queue.EnqueueRawAsync(new byte[] { 0xff, 0xfe }, cancellationToken: Stop);
        await silo.BuryAllAsync();
        var letter = await fixture.Queue.DeadLetters.GetAsync(handle.Id, Stop);
        Assert.Equal((null, "//4="), (letter!.Payload, letter.PayloadBase64));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task DeadLetters_requeue_with_an_edited_payload_replaces_it(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind);
        var silo = await fixture.SiloAsync();
        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        await silo.BuryAllAsync();
        await Assert.ThrowsAsync<InvalidJobException>(() => fixture.Queue.DeadLetters.RequeueAsync(handle.Id, "[]"u8.ToArray(), Stop));
        Assert.Equal(RequeueOutcome.Requeued, await fixture.Queue.DeadLetters.RequeueAsync(handle.Id, """{"chunk":2}"""u8.ToArray(), Stop));

        var job = await handle.GetAsync(Stop);
        Assert.Equal(JobState.Queued, job?.State);
        Assert.Equal("""{"chunk":2}""", Encoding.UTF8.GetString(job!.Payload.Span));
        Assert.Equal(RequeueOutcome.Live, await fixture.Queue.DeadLetters.RequeueAsync(handle.Id, null, Stop));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task DeadLetters_list_pages_reach_each_once(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind);
        var ids = await BuryAsync(fixture, 25, "retries");
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await fixture.Queue.DeadLetters.ListAsync(cursor, 10, Stop);
            seen.AddRange(page.DeadLetters.Select(d => d.Id));
            cursor = page.Cursor;
        }
        while (cursor is not null);
        Assert.Equal(ids.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task DeadLetters_requeue_by_filter_moves_those_alone(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind);
        await BuryAsync(fixture, 350, "timeout");
        await BuryAsync(fixture, 5, "malformed");
        var requeued = await fixture.Queue.DeadLetters.RequeueAllAsync(new DeadLetterFilter { Reason = "timeout" }, Stop);
        var counts = (await fixture.Queue.GetInfoAsync(Stop)).Counts;

        Assert.Equal((350, 350, 5), (requeued, counts.Queued, counts.Dead));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task DeadLetters_purge_one_and_all_forgets_them(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind);
        var ids = await BuryAsync(fixture, 120, "retries");

        Assert.True(await fixture.Queue.DeadLetters.PurgeAsync(ids[0], Stop));
        Assert.False(await fixture.Queue.DeadLetters.PurgeAsync(ids[0], Stop));
        Assert.Equal(119, await fixture.Queue.DeadLetters.PurgeAllAsync(null, Stop));
        Assert.Empty((await fixture.Queue.DeadLetters.ListAsync(cancellationToken: Stop)).DeadLetters);
        Assert.Null(await fixture.Queue.GetAsync(ids[5], Stop));
    }

    [Theory]
    [InlineData("model_loading", "model_loading", "memory")]
    [InlineData("slot", "no_slot", "device_put_aside")]
    [InlineData("memory", "memory", "memory")]
    [InlineData("no_device", "no_device")]
    [InlineData("slot", "memory", null)]
    [InlineData("slot", "a word of a later version")]
    public async Task Job_says_what_it_waits_for_where_no_silo_has_a_device_for_it(string expected, params string?[] silos)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        await fixture.SiloAsync();
        var registry = new SiloRegistry(fixture.Redis, fixture.Service);
        for (var n = 0; n < silos.Length; n++)
        {
            await registry.ReportAsync(
                new SiloRecord
                {
                    Id = $"id-{n}", Name = $"mill{n}", State = "running", Version = "1.0.0", Engine = "Redis", Host = "h", Pid = 1, StartedAt = DateTimeOffset.UnixEpoch, LeaseSeconds = 60,
                    Queues = [new SiloQueueRecord("other", "g", 0, 0, null), new SiloQueueRecord("asr", "g", 0, 0, null) { WaitingFor = silos[n] }],
                },
                Stop);
        }

        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        Assert.Equal(expected, (await handle.GetAsync(Stop))?.WaitingFor?.For);
        Assert.Equal(expected, Assert.Single((await fixture.Queue.ListAsync(JobState.Queued, cancellationToken: Stop)).Jobs).WaitingFor?.For);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Queue_pause_drain_and_resume_are_shown(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind);
        await fixture.SiloAsync(name: "silo-a");
        var handle = await fixture.Queue.EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        Assert.Equal("slot", (await handle.GetAsync(Stop))?.WaitingFor?.For);
        await fixture.Queue.PauseAsync(Stop);
        Assert.Equal("resume", (await handle.GetAsync(Stop))?.WaitingFor?.For);
        Assert.Equal("paused", (await fixture.Queue.GetInfoAsync(Stop)).State);
        await fixture.Queue.DrainAsync(Stop);
        Assert.Equal("draining", (await fixture.Queue.GetInfoAsync(Stop)).State);
        await fixture.Queue.ResumeAsync(Stop);
        var info = await fixture.Queue.GetInfoAsync(Stop);

        Assert.Equal("open", info.State);
        Assert.Equal(["silo-a"], info.Silos);
        Assert.Equal(1, info.Totals["enqueued"]);
        Assert.NotNull(info.OldestReadySeconds);
        Assert.Equal(["asr"], await fixture.Client.ListQueuesAsync(Stop));
    }

    [Fact]
    public async Task List_pages_by_state_newest_first()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var handles = await fixture.Queue.EnqueueManyAsync([.. Enumerable.Range(1, 5).Select(_ => new EnqueueRequest("{}"u8.ToArray()))], Stop);
        var first = await fixture.Queue.ListAsync(JobState.Queued, null, 3, Stop);
        var second = await fixture.Queue.ListAsync(JobState.Queued, first.Cursor, 3, Stop);

        Assert.Equal(handles.Reverse().Select(h => h.Id), first.Jobs.Concat(second.Jobs).Select(j => j.Id));
        Assert.Null(second.Cursor);
        await Assert.ThrowsAsync<FormatException>(() => fixture.Queue.ListAsync(JobState.Queued, "nonsense", 3, Stop));
    }

    [Fact]
    public async Task Options_wrong_values_are_named_with_their_bounds()
    {
        var services = new ServiceCollection();
        services.AddGristmillClient(o =>
        {
            o.Redis = "http://:secret@nowhere";
            o.Service = "no blanks";
            o.MaxRetries = 21;
            o.Queues["asr"] = new ClientQueueOptions { MaxPayloadBytes = 0 };
        });
        await using var provider = services.BuildServiceProvider();
        var wrong = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IGristmillClient>());

        Assert.Equal(4, wrong.Failures.Count());
        Assert.Contains("MaxRetries is 21; it must be from 0 to 20.", wrong.Failures);
        Assert.Contains("Queues[asr].MaxPayloadBytes is 0; it must be from 1 to 536870912.", wrong.Failures);
        Assert.DoesNotContain("secret", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddGristmillClient_with_an_address_gives_a_client_that_works()
    {
        var server = await stores.GetAsync(StoreKind.Redis);
        var services = new ServiceCollection();
        services.AddGristmillClient(o => o.Redis = server.Url);
        await using var provider = services.BuildServiceProvider();
        await provider.GetRequiredService<IGristmillClient>().PingAsync(Stop);
    }

    private static async Task<IReadOnlyList<string>> BuryAsync(ClientFixture fixture, int count, string reason)
    {
        var handles = await fixture.Queue.EnqueueManyAsync([.. Enumerable.Range(0, count).Select(_ => new EnqueueRequest("{}"u8.ToArray()))], Stop);
        var silo = await fixture.SiloAsync();
        await silo.BuryAllAsync(reason);
        return [.. handles.Select(h => h.Id)];
    }
}
