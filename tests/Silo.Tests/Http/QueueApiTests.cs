using System.Net;
using System.Text.Json;
using Gristmill.Redis;
using Gristmill.Silo.Findings;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Http;

/// <summary>Queues, dead letters, findings and health.</summary>
public sealed class QueueApiTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string Dead = "/api/queues/asr/dead-letters";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Queues_configured_and_known_ones_are_listed()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        await api.SiloAsync("other");
        await api.Redis.ExecuteAsync(new RedisCommand("RPUSH", api.List, "{}", "{}"), Stop);
        var (_, all) = await api.GetAsync("/api/queues");
        var queues = all.GetProperty("queues").EnumerateArray().ToList();

        Assert.Equal(["asr", "other"], queues.Select(q => Text(q, "name")!));
        Assert.Equal(2, queues[0].GetProperty("lists")[0].GetProperty("length").GetInt32());
        Assert.Equal(0, queues[1].GetProperty("lists").GetArrayLength());
        Assert.Equal("hand", queues[1].GetProperty("silos")[0].GetString());
    }

    [Theory]
    [InlineData("nobody")]
    [InlineData("no%20blanks")]
    public async Task Queue_unknown_one_is_404(string name)
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var get = await api.GetAsync($"/api/queues/{name}");
        var post = await api.PostAsync($"/api/queues/{name}/jobs", """{"payload":{}}""");

        Assert.Equal((HttpStatusCode.NotFound, "queue"), (get.Status, Text(get.Body, "field")));
        Assert.Equal(HttpStatusCode.NotFound, post.Status);
    }

    [Fact]
    public async Task Queue_list_of_the_wrong_type_is_said()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        await api.Redis.ExecuteAsync(new RedisCommand("SET", api.List, "text"), Stop);
        var list = (await api.GetAsync("/api/queues/asr")).Body.GetProperty("lists")[0];
        Assert.Equal(JsonValueKind.Null, list.GetProperty("length").ValueKind);
        Assert.Contains(api.List, Text(list, "error"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Queue_pause_drain_resume_change_its_state()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        foreach (var (verb, state) in new[] { ("pause", "paused"), ("drain", "draining"), ("resume", "open") })
        {
            var (status, queue) = await api.PostAsync($"/api/queues/asr/{verb}");
            Assert.Equal((HttpStatusCode.OK, state), (status, Text(queue, "state")));
        }
    }

    [Fact]
    public async Task DeadLetters_list_get_edit_and_delete()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var silo = await api.SiloAsync();
        var first = await api.EnqueueAsync("""{"payload":{"chunk":1}}""");
        var second = await api.EnqueueAsync("""{"payload":{"chunk":2}}""");
        await silo.BuryAllAsync("fatal");

        Assert.Equal(2, (await api.GetAsync(Dead)).Body.GetProperty("deadLetters").GetArrayLength());
        var letter = (await api.GetAsync($"{Dead}/{first}")).Body;
        Assert.Equal(("fatal", 1), (Text(letter, "reason"), letter.GetProperty("payload").GetProperty("chunk").GetInt32()));
        Assert.Equal(HttpStatusCode.BadRequest, (await api.PostAsync($"{Dead}/{first}/requeue", """{"payload":[]}""")).Status);
        var requeued = await api.PostAsync($"{Dead}/{first}/requeue", """{"payload":{"chunk":9}}""");
        Assert.Equal((HttpStatusCode.Accepted, "queued"), (requeued.Status, Text(requeued.Body, "state")));
        Assert.Equal(HttpStatusCode.Conflict, (await api.PostAsync($"{Dead}/{first}/requeue")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await api.DeleteAsync($"{Dead}/{second}")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.DeleteAsync($"{Dead}/{second}")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync($"{Dead}/{second}")).Status);
    }

    [Fact]
    public async Task DeadLetters_requeue_and_delete_by_filter()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var silo = await api.SiloAsync();
        foreach (var reason in new[] { "timeout", "timeout", "fatal", "retries" })
        {
            await api.EnqueueAsync();
            await silo.BuryAllAsync(reason);
        }

        var unknown = await api.PostAsync($"{Dead}/requeue", """{"reasn":"timeout"}""");
        Assert.Equal((HttpStatusCode.BadRequest, "reasn"), (unknown.Status, Text(unknown.Body, "field")));
        Assert.Equal(HttpStatusCode.BadRequest, (await api.DeleteAsync($"{Dead}?reasn=fatal")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await api.SendAsync(HttpMethod.Delete, Dead, new StringContent("""{"reason":"fatal"}""", null, "application/json"))).Status);
        Assert.Equal(2, (await api.PostAsync($"{Dead}/requeue", """{"reason":"timeout"}""")).Body.GetProperty("requeued").GetInt32());
        Assert.Equal(1, (await api.DeleteAsync($"{Dead}?reason=fatal")).Body.GetProperty("purged").GetInt32());
        Assert.Equal(1, (await api.PostAsync($"{Dead}/requeue")).Body.GetProperty("requeued").GetInt32());
    }

    [Fact]
    public async Task DeadLetters_filter_by_an_unknown_reason_names_the_known()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var silo = await api.SiloAsync();
        await api.EnqueueAsync();
        await silo.BuryAllAsync("fatal");

        foreach (var refused in new[] { await api.PostAsync($"{Dead}/requeue", """{"reason":"timeot"}"""), await api.DeleteAsync($"{Dead}?reason=timeot") })
        {
            Assert.Equal((HttpStatusCode.BadRequest, "reason"), (refused.Status, Text(refused.Body, "field")));
            Assert.Contains("'timeot'; expected is one of retries, timeout, fatal,", Text(refused.Body, "detail"), StringComparison.Ordinal);
        }

        Assert.Equal(1, (await api.GetAsync(Dead)).Body.GetProperty("deadLetters").GetArrayLength());
    }

    [Fact]
    public async Task DeadLetters_filter_that_is_empty_or_no_text_acts_on_none()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var silo = await api.SiloAsync();
        await api.EnqueueAsync();
        await silo.BuryAllAsync("fatal");

        foreach (var field in new[] { "reason", "sessionId", "diedBefore", "diedSince" })
        {
            var purge = await api.DeleteAsync($"{Dead}?{field}=");
            Assert.Equal((HttpStatusCode.BadRequest, field), (purge.Status, Text(purge.Body, "field")));
            foreach (var value in new[] { "\"\"", "null" })
            {
                var requeue = await api.PostAsync($"{Dead}/requeue", $$"""{"{{field}}":{{value}}}""");
                Assert.Equal((HttpStatusCode.BadRequest, field), (requeue.Status, Text(requeue.Body, "field")));
            }
        }

        foreach (var body in new[] { """{"reason":"\ud800"}""", """{"\ud800":"fatal"}""", "[]", "\"fatal\"" })
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await api.PostAsync($"{Dead}/requeue", body)).Status);
        }

        Assert.Equal(1, (await api.GetAsync(Dead)).Body.GetProperty("deadLetters").GetArrayLength());
    }

    [Fact]
    public async Task Job_that_would_wait_beyond_the_bound_is_429_and_names_it()
    {
        await using var api = await ApiFixture.StartAsync(stores, q => q.WaitingLimit = 1);
        await api.EnqueueAsync("""{"payload":{},"dependsOn":["nobody"]}""");
        foreach (var job in new[] { """{"payload":{},"runAt":"2999-01-01T00:00:00Z"}""", """{"payload":{},"dependsOn":["nobody"]}""" })
        {
            var (status, problem) = await api.PostAsync("/api/queues/asr/jobs", job);
            Assert.Equal((HttpStatusCode.TooManyRequests, "urn:gristmill:queue_full"), (status, Text(problem, "type")));
            Assert.Contains("more than 1 jobs would wait", Text(problem, "detail"), StringComparison.Ordinal);
            Assert.Contains("WaitingLimit", Text(problem, "detail"), StringComparison.Ordinal);
        }

        await api.EnqueueAsync();
    }

    [Fact]
    public async Task Ready_fails_with_findings_that_are_errors_alone()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        api.Findings.Current = [new Finding("no_persistence", Finding.Warning, null, "Redis keeps nothing on disk.", "Set appendonly yes.")];
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/health/ready")).Status);
        api.Findings.Current = [.. api.Findings.Current, new Finding("no_handler", Finding.Error, "asr", "The queue asr has no handler.", "Register one.")];
        var (status, health) = await api.GetAsync("/health/ready");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unready"), (status, Text(health, "status")));
        Assert.Equal("no_handler", Text(Assert.Single(health.GetProperty("findings").EnumerateArray()), "code"));
        Assert.Equal(2, (await api.GetAsync("/api/findings")).Body.GetProperty("findings").GetArrayLength());
    }

    private static string? Text(JsonElement body, string name) => body.GetProperty(name).GetString();
}
