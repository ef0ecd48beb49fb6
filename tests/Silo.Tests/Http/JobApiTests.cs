using System.Net;
using System.Text;
using System.Text.Json;
using Gristmill.Redis;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Http;

public sealed class JobApiTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string Jobs = "/api/queues/asr/jobs";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Bodies, and the status, code and field that their problem has.</summary>
    public static TheoryData<string, int, string, string> HostileBodies() => new()
    {
        { "", 400, "malformed", "" },
        { "{", 400, "malformed", "" },
        { "[]", 400, "invalid_field", "" },
        { "{}", 400, "invalid_field", "payload" },
        { """{"payload":7}""", 400, "malformed", "payload" },
        { """{"payload":{"priority":"urgent"}}""", 400, "invalid_field", "payload" },
        { """{"payload":{},"id":{}}""", 400, "invalid_field", "id" },
        { """{"payload":{},"id":""}""", 400, "invalid_field", "id" },
        { """{"payload":{},"id":"\ud800"}""", 400, "invalid_field", "id" },
        { """{"payload":{},"priority":10}""", 400, "invalid_field", "priority" },
        { """{"payload":{},"priority":"urgent"}""", 400, "invalid_field", "priority" },
        { """{"payload":{},"maxAttempts":1.5}""", 400, "invalid_field", "maxAttempts" },
        { """{"payload":{},"timeoutSeconds":1e300}""", 400, "invalid_field", "timeoutSeconds" },
        { """{"payload":{},"runAt":"tomorrow"}""", 400, "invalid_field", "runAt" },
        { """{"payload":{},"dependsOn":[[]]}""", 400, "invalid_field", "dependsOn[0]" },
        { """{"payload":{},"replyTo":""}""", 400, "invalid_field", "replyTo" },
        { """{"payload":{},"prio":1}""", 400, "invalid_field", "prio" },
        { """{"payload":{},"\ud800":1}""", 400, "bad_request", "" },
        { new string('[', 100_000), 400, "malformed", "" },
        { "{\"payload\":" + new string('[', 70) + new string(']', 70) + "}", 400, "malformed", "payload" },
        { """{"payload":{"class":"W","args":[],"jid":"1"}}""", 400, "foreign_dialect", "payload" },
    };

    [Fact]
    public async Task Enqueue_job_is_202_with_the_job_and_its_place()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        using var response = await api.Http.PostAsync(
            Jobs,
            new StringContent("""{"payload":{"chunk":7},"id":"clip 7","sessionId":42,"priority":"high","maxAttempts":2,"timeoutSeconds":1.5,"runAt":"2999-01-01T00:00:00Z"}""", Encoding.UTF8, "application/json"),
            Stop);
        var job = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Stop)).RootElement;

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal("/api/queues/asr/jobs/clip%207", response.Headers.Location?.OriginalString);
        Assert.Equal(
            ("clip 7", "asr", "scheduled", 0, 2, "42"),
            (Text(job, "id"), Text(job, "queue"), Text(job, "state"), job.GetProperty("attempt").GetInt32(), job.GetProperty("maxAttempts").GetInt32(), Text(job, "sessionId")));
        Assert.Equal("time", Text(job.GetProperty("waitingFor"), "for"));
        string[] members = ["id", "queue", "state", "attempt", "maxAttempts", "progress", "result", "errors", "sessionId", "enqueuedAt", "startedAt", "finishedAt", "silo", "waitingFor"];
        Assert.Empty(members.Except(job.EnumerateObject().Select(m => m.Name)));
    }

    [Fact]
    public async Task Enqueue_known_id_is_200_and_another_payload_409()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        await api.EnqueueAsync("""{"payload":{"chunk":1},"id":"a"}""");
        var same = await api.PostAsync(Jobs, """{"payload":{"chunk":1},"id":"a"}""");
        var other = await api.PostAsync(Jobs, """{"payload":{"chunk":2},"id":"a"}""");

        Assert.Equal((HttpStatusCode.OK, "a"), (same.Status, Text(same.Body, "id")));
        Assert.Equal((HttpStatusCode.Conflict, "urn:gristmill:id_conflict", "id"), (other.Status, Text(other.Body, "type"), Text(other.Body, "field")));
    }

    [Fact]
    public async Task Enqueue_payload_keeps_its_bytes()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var id = await api.EnqueueAsync("{\"payload\": {\"n\": 9007199254740993.10, \"t\":\"\\u00e9 é\"} }");
        var silo = await api.SiloAsync();
        Assert.Equal("{\"n\": 9007199254740993.10, \"t\":\"\\u00e9 é\"}", Encoding.UTF8.GetString((await silo.Store.GetAsync(id, Stop))!.Payload.Span));
    }

    [Theory, MemberData(nameof(HostileBodies))]
    public async Task Enqueue_hostile_body_is_a_problem_that_names_the_field(string body, int status, string code, string field)
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var (actual, problem) = await api.PostAsync(Jobs, body);

        Assert.Equal((status, $"urn:gristmill:{code}"), ((int)actual, Text(problem, "type")));
        Assert.Equal(field, problem.TryGetProperty("field", out var named) ? named.GetString() : "");
        Assert.NotEmpty(Text(problem, "detail")!);
        Assert.Equal(0, (await api.GetAsync("/api/queues/asr")).Body.GetProperty("counts").GetProperty("queued").GetInt32());
    }

    [Fact]
    public async Task Enqueue_body_over_the_bound_is_413_with_the_bound()
    {
        await using var api = await ApiFixture.StartAsync(stores, q => q.MaxPayloadBytes = 1000);
        var payload = await api.PostAsync(Jobs, Payload(1000));
        var body = await api.PostAsync(Jobs, Payload(100_000));
        var unsaid = await api.SendAsync(HttpMethod.Post, Jobs, Blanks(100_000), ("Transfer-Encoding", "chunked"));

        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "payload"), (payload.Status, Text(payload.Body, "field")));
        Assert.Contains("at most 1000", Text(payload.Body, "detail"), StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "urn:gristmill:too_large"), (body.Status, Text(body.Body, "type")));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, unsaid.Status);
    }

    [Fact]
    public async Task Enqueue_body_that_is_not_said_to_be_json_is_415()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var (status, _) = await api.SendAsync(HttpMethod.Post, Jobs, new StringContent("""{"payload":{}}""", Encoding.UTF8, "text/plain"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, status);
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    public async Task Change_from_a_page_of_another_site_is_403(string header, string value)
    {
        await using var api = await ApiFixture.StartAsync(stores);
        Assert.Equal(HttpStatusCode.Forbidden, (await api.SendAsync(HttpMethod.Post, "/api/queues/asr/pause", null, (header, value))).Status);
        Assert.Equal("open", Text((await api.GetAsync("/api/queues/asr")).Body, "state"));
    }

    [Fact]
    public async Task Batch_ten_thousand_jobs_are_taken_in_order()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var (status, answer) = await api.PostAsync($"{Jobs}/batch", $"[{string.Join(',', Enumerable.Range(0, 10_000).Select(i => $$$"""{"payload":{"n":{{{i}}}}}"""))}]");

        Assert.Equal((HttpStatusCode.Accepted, 10_000), (status, answer.GetProperty("created").GetInt32()));
        Assert.Equal(10_000, answer.GetProperty("jobs").GetArrayLength());
        Assert.Equal(10_000, (await api.GetAsync("/api/queues/asr")).Body.GetProperty("counts").GetProperty("queued").GetInt32());
    }

    [Fact]
    public async Task Batch_outcomes_are_told_for_each_job()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var (_, answer) = await api.PostAsync($"{Jobs}/batch", """[{"payload":{"n":1},"id":"a"},{"payload":{"n":2},"id":"a"},{"payload":{"n":1},"id":"a"}]""");
        Assert.Equal(["created", "conflict", "existing"], answer.GetProperty("jobs").EnumerateArray().Select(j => Text(j, "outcome")!));
    }

    [Fact]
    public async Task Batch_one_bad_job_is_named_and_nothing_is_enqueued()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var shape = await api.PostAsync($"{Jobs}/batch", """[{"payload":{}},{"payload":{},"priority":-1},5]""");
        var rule = await api.PostAsync($"{Jobs}/batch", """[{"payload":{}},{"payload":{},"priority":-1}]""");

        Assert.Equal((HttpStatusCode.BadRequest, "[2]"), (shape.Status, Text(shape.Body, "field")));
        Assert.Equal((HttpStatusCode.BadRequest, "[1].priority"), (rule.Status, Text(rule.Body, "field")));
        Assert.Equal(0, (await api.GetAsync("/api/queues/asr")).Body.GetProperty("counts").GetProperty("queued").GetInt32());
    }

    [Fact]
    public async Task Batch_too_many_or_too_large_is_413()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var many = await api.PostAsync($"{Jobs}/batch", $"[{string.Join(',', Enumerable.Repeat("1", 10_001))}]");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, many.Status);
        Assert.Contains("at most 10000", Text(many.Body, "detail"), StringComparison.Ordinal);
        var large = await api.SendAsync(HttpMethod.Post, $"{Jobs}/batch", Blanks(32 * 1024 * 1024 + 1), ("Transfer-Encoding", "chunked"));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.Status);
    }

    [Fact]
    public async Task Get_id_with_a_slash_is_found_and_unknown_ones_are_404()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        await api.EnqueueAsync("""{"payload":{},"id":"a/b?c%d"}""");
        var found = await api.GetAsync($"{Jobs}/{Uri.EscapeDataString("a/b?c%d")}");
        var unknown = await api.GetAsync($"{Jobs}/nobody");

        Assert.Equal((HttpStatusCode.OK, "a/b?c%d"), (found.Status, Text(found.Body, "id")));
        Assert.Equal(4, found.Body.GetProperty("maxAttempts").GetInt32());
        Assert.Equal((HttpStatusCode.NotFound, "urn:gristmill:unknown_job"), (unknown.Status, Text(unknown.Body, "type")));
    }

    [Fact]
    public async Task List_pages_and_its_bounds()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        for (var i = 0; i < 3; i++) await api.EnqueueAsync();
        var first = await api.GetAsync($"{Jobs}?state=queued&limit=2");
        var second = await api.GetAsync($"{Jobs}?state=queued&limit=2&cursor={Uri.EscapeDataString(Text(first.Body, "cursor")!)}");

        Assert.Equal((2, 1), (first.Body.GetProperty("jobs").GetArrayLength(), second.Body.GetProperty("jobs").GetArrayLength()));
        foreach (var (query, field) in new[] { ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("state=sleeping", "state"), ("state=queued&cursor=zz", "cursor") })
        {
            var (status, problem) = await api.GetAsync($"{Jobs}?{query}");
            Assert.Equal((HttpStatusCode.BadRequest, field), (status, Text(problem, "field")));
        }
    }

    [Fact]
    public async Task Cancel_and_retry_tell_their_outcome()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var id = await api.EnqueueAsync();
        Assert.Equal(HttpStatusCode.Conflict, (await api.PostAsync($"{Jobs}/{id}/retry")).Status);
        var cancelled = await api.PostAsync($"{Jobs}/{id}/cancel", """{"reason":"enough"}""");
        Assert.Equal((HttpStatusCode.Accepted, "cancelled", "enough"), (cancelled.Status, Text(cancelled.Body, "outcome"), Text(cancelled.Body.GetProperty("job"), "reason")));
        Assert.Equal(HttpStatusCode.Conflict, (await api.PostAsync($"{Jobs}/{id}/cancel")).Status);
        Assert.Equal((HttpStatusCode.Accepted, "remembered"), await OutcomeAsync(api.PostAsync($"{Jobs}/to-come/cancel")));
        var retried = await api.PostAsync($"{Jobs}/{id}/retry");
        Assert.Equal((HttpStatusCode.Accepted, "queued"), (retried.Status, Text(retried.Body, "state")));
        Assert.Equal(HttpStatusCode.NotFound, (await api.PostAsync($"{Jobs}/nobody/retry")).Status);
    }

    [Fact]
    public async Task Wrong_type_is_409_with_the_key()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var silo = await api.SiloAsync();
        await api.Redis.ExecuteAsync(new RedisCommand("SET", silo.Store.Keys.Of("ready"), "mine"), Stop);
        var (status, problem) = await api.PostAsync(Jobs, """{"payload":{}}""");
        Assert.Equal((HttpStatusCode.Conflict, silo.Store.Keys.Of("ready")), (status, Text(problem, "key")));
    }

    [Fact]
    public async Task Redis_that_is_away_is_503_without_secrets()
    {
        var server = await RedisServer.StartAsync(new RedisServerSettings { Password = "open-sesame" });
        await using var api = await ApiFixture.StartAsync(server.Url, commandTimeout: TimeSpan.FromMilliseconds(300));
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/health/ready")).Status);
        await server.DisposeAsync();

        var (status, problem) = await api.GetAsync($"{Jobs}/some");
        var ready = await api.GetAsync("/health/ready");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "urn:gristmill:redis_unavailable"), (status, Text(problem, "type")));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.Status);
        Assert.Equal("redis_unavailable", Text(ready.Body.GetProperty("findings")[0], "code"));
        Assert.DoesNotContain("sesame", problem.ToString() + ready.Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/health/live")).Status);
    }

    private static StringContent Blanks(int count) => new(new string(' ', count), Encoding.UTF8, "application/json");

    private static string Payload(int length) => "{\"payload\":{\"text\":\"" + new string('x', length) + "\"}}";

    private static async Task<(HttpStatusCode, string?)> OutcomeAsync(Task<(HttpStatusCode Status, JsonElement Body)> answer)
    {
        var (status, body) = await answer;
        return (status, Text(body, "outcome"));
    }

    private static string? Text(JsonElement body, string name) => body.GetProperty(name).GetString();
}
