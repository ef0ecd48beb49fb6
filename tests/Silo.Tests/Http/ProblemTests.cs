using System.Net;
using System.Text;
using System.Text.Json;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Http;

/// <summary>Whatever goes wrong, the answer is a problem that names the field and the bound, and shows nothing of the silo's inner parts.</summary>
public sealed class ProblemTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string Jobs = "/api/queues/asr/jobs";

    [Theory]
    [InlineData("GET", "/", 404, "unknown_call")]
    [InlineData("GET", "/api", 404, "unknown_call")]
    [InlineData("GET", "/api/queues/asr/jobs/a/b/c", 404, "unknown_call")]
    [InlineData("PATCH", "/api/queues/asr", 405, "method_not_allowed")]
    [InlineData("DELETE", "/health/live", 405, "method_not_allowed")]
    [InlineData("GET", "/api/queues/", 400, "bad_request")]
    [InlineData("GET", "/api/queues/%FF", 400, "invalid_field")]
    public async Task Request_that_no_call_takes_is_a_problem(string method, string path, int status, string code)
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var (actual, problem) = await api.SendAsync(new HttpMethod(method), path);
        Assert.Equal((status, $"urn:gristmill:{code}", status), ((int)actual, Text(problem, "type"), problem.GetProperty("status").GetInt32()));
    }

    [Theory, InlineData("Production"), InlineData("Development")]
    public async Task Failure_that_nobody_foresaw_is_500_and_only_the_log_says_why(string environment)
    {
        await using var api = await ApiFixture.StartAsync(stores, environment: environment);
        api.Findings.Failure = new InvalidDataException("inner parts");
        var (status, problem) = await api.GetAsync("/api/findings");

        Assert.Equal((HttpStatusCode.InternalServerError, "urn:gristmill:internal"), (status, Text(problem, "type")));
        Assert.DoesNotContain("inner parts", problem.ToString(), StringComparison.Ordinal);
        Assert.Contains("inner parts", Assert.Single(api.Log.Of("Gristmill.Http")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bounds_of_bodies_and_batches_are_options_and_named()
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: o => (o.Api.MaxBatchJobs, o.Api.MaxBatchBytes) = (2, 1024));
        var many = await api.PostAsync($"{Jobs}/batch", """[{"payload":{}},{"payload":{}},{"payload":{}}]""");
        var large = await api.PostAsync($"{Jobs}/batch", new string(' ', 1025));
        var one = await api.PostAsync(Jobs, new string(' ', 2_000_000));

        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "The body has 3 jobs; at most 2 are taken (Gristmill:Api:MaxBatchJobs)."), (many.Status, Text(many.Body, "detail")));
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "The body has 1025 bytes; at most 1024 are taken (Gristmill:Api:MaxBatchBytes)."), (large.Status, Text(large.Body, "detail")));
        Assert.Contains("at most 1114112 are taken (Gristmill:Queues:asr:MaxPayloadBytes and 65536 around it)", Text(one.Body, "detail"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/batch", "{}")]
    [InlineData("", "[]")]
    public async Task Body_of_another_kind_names_no_field(string path, string body)
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var (status, problem) = await api.PostAsync(Jobs + path, body);
        Assert.Equal((HttpStatusCode.BadRequest, "urn:gristmill:invalid_field"), (status, Text(problem, "type")));
        Assert.False(problem.TryGetProperty("field", out _));
    }

    [Fact]
    public async Task Idempotency_key_is_the_jobs_id()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var first = await EnqueueAsync(api, Jobs, """{"payload":{"n":1}}""", "\"k 1\"");
        var again = await EnqueueAsync(api, Jobs, """{"payload":{"n":1}}""", "k 1");
        var other = await EnqueueAsync(api, Jobs, """{"payload":{"n":2}}""", "k 1");
        var both = await EnqueueAsync(api, Jobs, """{"payload":{"n":1},"id":"else"}""", "k 1");
        var empty = await EnqueueAsync(api, Jobs, """{"payload":{"n":1}}""", "\"\"");
        var batch = await EnqueueAsync(api, $"{Jobs}/batch", "[]", "k 1");

        Assert.Equal((HttpStatusCode.Accepted, "k 1"), (first.Status, Text(first.Body, "id")));
        Assert.Equal((HttpStatusCode.OK, "k 1"), (again.Status, Text(again.Body, "id")));
        Assert.Equal(HttpStatusCode.Conflict, other.Status);
        foreach (var refused in new[] { both, empty, batch }) Assert.Equal((HttpStatusCode.BadRequest, "Idempotency-Key"), (refused.Status, Text(refused.Body, "field")));
    }

    private static Task<(HttpStatusCode Status, JsonElement Body)> EnqueueAsync(ApiFixture api, string path, string body, string key) =>
        api.SendAsync(HttpMethod.Post, path, new StringContent(body, Encoding.UTF8, "application/json"), ("Idempotency-Key", key));

    private static string? Text(JsonElement body, string name) => body.GetProperty(name).GetString();
}
