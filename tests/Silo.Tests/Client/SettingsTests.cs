using Gristmill.Client;
using Gristmill.Redis;
using Gristmill.Store;
using Gristmill.Store.Payloads;
using Gristmill.Store.Sessions;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Client;

/// <summary>A client keeps to what a queue's silos expect, without being told.</summary>
public sealed class SettingsTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly QueueRules Rules = new() { MaxPayloadBytes = 1000, IdWindowMs = 60_000, MaxWaiting = 5, Fields = PayloadFields.Default };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Bounds_and_names_that_silos_announce_hold(StoreKind kind)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, kind);
        var silo = await fixture.SiloAsync();
        await silo.Store.AnnounceAsync([], Rules with { MaxPayloadBytes = 40, Fields = PayloadFields.Default with { JobId = "uuid" } }, Stop);
        var refused = await Assert.ThrowsAsync<InvalidJobException>(() => fixture.Queue.EnqueueRawAsync("""{"text":"longer than the forty bytes that it may have"}"""u8.ToArray(), cancellationToken: Stop));

        Assert.Contains("the queue takes at most 40", refused.Message, StringComparison.Ordinal);
        Assert.Equal("a-7", (await fixture.Queue.EnqueueRawAsync("""{"uuid":"a-7","job_id":[]}"""u8.ToArray(), cancellationToken: Stop)).Id);
    }

    [Fact]
    public async Task Sequence_of_the_payload_is_read_where_the_queue_has_sessions()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var silo = await fixture.SiloAsync();
        await silo.PolicyAsync(new SessionPolicy { Order = SessionOrder.Sequence });
        await silo.Store.AnnounceAsync([], Rules with { Fields = PayloadFields.Default.WithSessions() }, Stop);
        await fixture.Queue.EnqueueRawAsync("""{"session_id":"s1","sequence":1}"""u8.ToArray(), cancellationToken: Stop);
        Assert.Empty(await silo.StartAsync());
        await fixture.Queue.EnqueueRawAsync("""{"session_id":"s1","sequence":0,"session_total":2}"""u8.ToArray(), cancellationToken: Stop);

        Assert.Single(await silo.StartAsync());
        Assert.Equal(2, (await fixture.Queue.Sessions.GetAsync("s1", Stop))?.Total);
    }

    [Fact]
    public async Task Sequence_by_option_is_kept_whatever_the_client_knows_of_the_queue()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var silo = await fixture.SiloAsync();
        await silo.PolicyAsync(new SessionPolicy { Order = SessionOrder.Sequence });
        await fixture.Queue.EnqueueAsync(new Clip("s1", 1), new EnqueueOptions { SessionId = "s1", Sequence = 1, SessionEnd = true }, Stop);
        Assert.Empty(await silo.StartAsync());
        await fixture.Queue.EnqueueAsync(new Clip("s1", 0), new EnqueueOptions { SessionId = "s1", Sequence = 0 }, Stop);
        await silo.CompleteAsync(await silo.StartOneAsync());
        await silo.CompleteAsync(await silo.StartOneAsync());

        Assert.Equal(("completed", 2L), (await fixture.Queue.Sessions.GetAsync("s1", Stop)) is { } session ? (session.State, session.Done) : default);
    }

    [Fact]
    public async Task Settings_of_the_application_come_before_what_silos_announce()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis, o => o.Queues["asr"] = new ClientQueueOptions { MaxPayloadBytes = 2 });
        var silo = await fixture.SiloAsync();
        await silo.Store.AnnounceAsync([], Rules, Stop);
        await Assert.ThrowsAsync<InvalidJobException>(() => fixture.Queue.EnqueueRawAsync("""{"n":1}"""u8.ToArray(), cancellationToken: Stop));
        await fixture.Queue.EnqueueRawAsync("{}"u8.ToArray(), cancellationToken: Stop);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("""{"maxPayloadBytes":0,"idWindowMs":1,"maxWaiting":1,"fields":{}}""")]
    [InlineData("""{"maxPayloadBytes":9,"idWindowMs":1,"maxWaiting":1,"fields":{"jobId":null}}""")]
    [InlineData("""{"maxPayloadBytes":9}""")]
    [InlineData("null")]
    public async Task What_somebody_else_wrote_beside_the_queue_is_passed_over(string rules)
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var keys = new RedisKeys(fixture.Service, 0, "asr");
        await fixture.Redis.ExecuteAsync(new RedisCommand("HSET", keys.Of("meta"), "rules", rules), Stop);
        Assert.True((await fixture.Queue.EnqueueAsync(new Clip("a text of more than nine bytes", 1), cancellationToken: Stop)).Created);
    }

    [Fact]
    public async Task Message_of_the_queues_dialect_is_a_job_with_its_id_and_without_the_dialect_none()
    {
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        var message = """{"class":"Work","args":[],"jid":"j1"}"""u8.ToArray();
        var silo = await fixture.SiloAsync();
        await silo.Store.AnnounceAsync([], Rules with { Dialect = Dialect.Sidekiq }, Stop);
        Assert.Equal("j1", (await fixture.Queue.EnqueueRawAsync(message, cancellationToken: Stop)).Id);
        var refused = await Assert.ThrowsAsync<InvalidJobException>(() => fixture.Client.Queue("other").EnqueueRawAsync(message, cancellationToken: Stop));
        Assert.Equal("foreign_dialect", refused.Reason);
    }

    [Fact]
    public void Rules_read_back_as_they_were_written()
    {
        var rules = Rules with { AllowOpaque = true, Dialect = Dialect.Celery, Fields = PayloadFields.Default with { Sequence = "n", JobId = "uuid" } };
        Assert.Equal(rules.ToJson(), QueueRules.Parse(rules.ToJson())!.ToJson());
        Assert.Contains("\"dialect\":\"Celery\"", rules.ToJson(), StringComparison.Ordinal);
        Assert.Contains("\"sequence\":\"n\"", rules.ToJson(), StringComparison.Ordinal);
    }
}
