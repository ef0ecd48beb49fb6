using System.Net;
using System.Text.Json;
using Gristmill.Grains.Options;
using Gristmill.Silo.Findings;
using Gristmill.Silo.Http;
using Gristmill.Silo.Http.Access;
using Gristmill.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Tests.Http.Access;

/// <summary>Who may call what, and what is told of it.</summary>
public sealed class AccessTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string Queue = "/api/queues/asr";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Call_without_a_valid_key_is_401_and_says_what_to_send()
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: TestKeys.Set);
        foreach (var headers in new (string, string)[][]
        {
            [], [TestKeys.Bearer("gm_wrong")], [("X-Api-Key", TestKeys.Read + "x")], [("X-Api-Key", "")], [("Authorization", $"Basic {TestKeys.Admin}")],
            [TestKeys.Bearer("e30.e30.")], [("X-Api-Key", new string('k', 10_000))], [("X-Api-Key", "wrong"), TestKeys.Bearer(TestKeys.Admin)],
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Queue);
            foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
            using var response = await api.Http.SendAsync(request, Stop);
            var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Stop)).RootElement;

            Assert.Equal((HttpStatusCode.Unauthorized, "urn:gristmill:unauthorized"), (response.StatusCode, Text(problem, "type")));
            Assert.StartsWith("Bearer", response.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
            Assert.Contains("X-Api-Key", Text(problem, "detail"), StringComparison.Ordinal);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, (await api.GetAsync("/api/no-such-call")).Status);
    }

    [Fact]
    public async Task Roles_read_operate_admin_may_each_what_those_before_may()
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: TestKeys.Set);
        foreach (var (method, path, least) in new[]
        {
            (HttpMethod.Get, Queue, 0), (HttpMethod.Get, "/metrics", 0), (HttpMethod.Post, $"{Queue}/pause", 1), (HttpMethod.Post, $"{Queue}/resume", 1),
            (HttpMethod.Delete, $"{Queue}/dead-letters", 2), (HttpMethod.Delete, $"{Queue}/dead-letters/a", 2), (HttpMethod.Post, "/api/silos/a/drain", 2),
        })
        {
            foreach (var (key, role) in TestKeys.All.Select((k, i) => (k, i)))
            {
                var (status, body) = await api.SendAsync(method, path, null, ("X-Api-Key", key));
                Assert.True(role >= least == (status != HttpStatusCode.Forbidden), $"{method} {path} with role {role}: {status}");
                if (role < least) Assert.Contains($"needs the role {(least == 1 ? "operate" : "admin")}", Text(body, "detail"), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Key_is_taken_as_bearer_or_api_key()
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: TestKeys.Set);
        foreach (var header in new[] { TestKeys.Bearer(TestKeys.Read), ("Authorization", $"bearer  {TestKeys.Read}"), ("X-Api-Key", TestKeys.Read) })
        {
            Assert.Equal(HttpStatusCode.OK, (await api.SendAsync(HttpMethod.Get, Queue, null, header)).Status);
        }
    }

    [Fact]
    public async Task Health_is_open_and_shows_findings_to_keys_alone()
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: TestKeys.Set);
        api.Findings.Current = [new Finding("no_handler", Finding.Error, "asr", "The queue asr has no handler.", "Register one.")];
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/health/live")).Status);
        var stranger = await api.GetAsync("/health/ready");
        var known = await api.SendAsync(HttpMethod.Get, "/health/ready", null, ("X-Api-Key", TestKeys.Read));

        Assert.Equal((HttpStatusCode.ServiceUnavailable, 0), (stranger.Status, stranger.Body.GetProperty("findings").GetArrayLength()));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, 1), (known.Status, known.Body.GetProperty("findings").GetArrayLength()));
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.GetAsync("/api/findings")).Status);
    }

    [Fact]
    public async Task Metrics_need_a_key_unless_they_are_opened()
    {
        await using (var api = await ApiFixture.StartAsync(stores, silo: TestKeys.Set)) Assert.Equal(HttpStatusCode.Unauthorized, (await api.GetAsync("/metrics")).Status);
        await using var open = await ApiFixture.StartAsync(stores, silo: o =>
        {
            TestKeys.Set(o);
            o.Access.OpenMetrics = true;
        });
        Assert.Equal(HttpStatusCode.OK, (await open.GetAsync("/metrics")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await open.GetAsync(Queue)).Status);
    }

    [Fact]
    public async Task Changes_are_in_the_audit_log_with_name_call_and_outcome_and_no_secret()
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: TestKeys.Set);
        await api.SendAsync(HttpMethod.Post, $"{Queue}/jobs/{Uri.EscapeDataString("a\nforged line")}/cancel", null, ("X-Api-Key", TestKeys.Operate));
        await api.SendAsync(HttpMethod.Delete, $"{Queue}/dead-letters", null, TestKeys.Bearer(TestKeys.Operate));
        await api.SendAsync(HttpMethod.Post, $"{Queue}/jobs", new StringContent("""{"payload":{"secret":"s3cr3t"}}""", System.Text.Encoding.UTF8, "application/json"), ("X-Api-Key", TestKeys.Admin));
        await api.SendAsync(HttpMethod.Get, Queue, null, ("X-Api-Key", TestKeys.Read));
        await api.SendAsync(HttpMethod.Post, $"{Queue}/pause", null, ("X-Api-Key", "gm_stranger"));

        Assert.Equal(
            [
                "Information 1210 ci (Operate) called POST /api/queues/{queue}/jobs/{id}/cancel: queue asr, id a forged line: 400. ",
                "Information 1210 ci (Operate) called DELETE /api/queues/{queue}/dead-letters: queue asr, id -: 403. ",
                "Debug 1210 nobody (none) called POST /api/queues/{queue}/pause: queue asr, id -: 401. ",
            ],
            api.Log.Of("Gristmill.Audit"));
        Assert.Equal(["Information 1210 chief (Admin) called POST /api/queues/{queue}/jobs: queue asr, id -: 202. "], api.Log.Of("Gristmill.Audit.Enqueue"));
        foreach (var secret in (string[])[.. TestKeys.All, "gm_stranger", "s3cr3t"]) Assert.DoesNotContain(secret, api.Log.All, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rate_of_a_key_is_limited_and_leaves_other_keys_alone()
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: o =>
        {
            TestKeys.Set(o);
            (o.Access.RequestsPerSecond, o.Access.Burst) = (1, 3);
        });
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => ReadAsync(api, TestKeys.Read)));
        var strangers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => ReadAsync(api, "gm_wrong")));

        Assert.True(answers.Count(a => a.Status == HttpStatusCode.OK) >= 3);
        var (_, after, detail) = answers.First(a => a.Status == HttpStatusCode.TooManyRequests);
        Assert.True(int.Parse(after!, System.Globalization.CultureInfo.InvariantCulture) >= 1);
        Assert.Contains("'viewer' makes more than 1 calls a second, or 3 at once", detail, StringComparison.Ordinal);
        Assert.Contains(strangers, s => s.Status == HttpStatusCode.TooManyRequests);
        Assert.Equal(HttpStatusCode.OK, (await ReadAsync(api, TestKeys.Admin)).Status);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/health/live")).Status);
    }

    [Fact]
    public async Task Streams_of_a_key_are_limited_and_leave_its_calls_and_other_keys_alone()
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: o =>
        {
            TestKeys.Set(o);
            o.Access.Streams = 2;
        });
        var (_, job) = await api.SendAsync(HttpMethod.Post, $"{Queue}/jobs", new StringContent("""{"payload":{}}""", System.Text.Encoding.UTF8, "application/json"), ("X-Api-Key", TestKeys.Admin));
        var path = $"{Queue}/jobs/{Text(job, "id")}/events";
        using var first = await OpenAsync(api, path, TestKeys.Read);
        using (var second = await OpenAsync(api, path, TestKeys.Read))
        {
            Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first.StatusCode, second.StatusCode));
            var (status, problem) = await api.SendAsync(HttpMethod.Get, path, null, ("X-Api-Key", TestKeys.Read));
            Assert.Equal((HttpStatusCode.TooManyRequests, "urn:gristmill:too_many_streams"), (status, Text(problem, "type")));
            Assert.Contains("'viewer' has 2 event streams open", Text(problem, "detail"), StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, (await ReadAsync(api, TestKeys.Read)).Status);
            using var other = await OpenAsync(api, path, TestKeys.Operate);
            Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        }

        // Its room is free once the silo has seen that the reader left.
        await Eventually.TrueAsync(
            "room for another stream",
            async () =>
            {
                using var again = await OpenAsync(api, path, TestKeys.Read);
                return again.StatusCode == HttpStatusCode.OK;
            },
            cancellationToken: Stop);
    }

    [Fact]
    public async Task Pages_of_other_origins_are_let_in_only_where_they_are_named()
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: o => o.Access.Origins.Add("https://ops.example"));
        foreach (var (origin, isAllowed) in new[] { ("https://ops.example", true), ("https://evil.example", false) })
        {
            using var ask = new HttpRequestMessage(HttpMethod.Options, $"{Queue}/pause") { Headers = { { "Origin", origin }, { "Access-Control-Request-Method", "POST" }, { "Access-Control-Request-Headers", "authorization" } } };
            using var answer = await api.Http.SendAsync(ask, Stop);
            Assert.Equal(isAllowed, answer.Headers.Contains("Access-Control-Allow-Origin"));
            var (status, _) = await api.SendAsync(HttpMethod.Post, $"{Queue}/pause", null, ("Origin", origin), ("Sec-Fetch-Site", "cross-site"));
            Assert.Equal(isAllowed ? HttpStatusCode.OK : HttpStatusCode.Forbidden, status);
        }

        await using var closed = await ApiFixture.StartAsync(stores);
        using var get = new HttpRequestMessage(HttpMethod.Get, Queue) { Headers = { { "Origin", "https://ops.example" } } };
        using var read = await closed.Http.SendAsync(get, Stop);
        Assert.False(read.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("silo.localhost:8080", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("[::1]:80", true)]
    [InlineData("gristmill.example", true)]
    [InlineData("evil.example", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    public async Task Open_api_on_loopback_answers_to_its_own_names_alone(string host, bool isAnswered)
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: o => o.Access.Hosts.Add("gristmill.example"));
        var (status, problem) = await api.SendAsync(HttpMethod.Get, Queue, null, ("Host", host));
        Assert.Equal(isAnswered ? HttpStatusCode.OK : HttpStatusCode.Forbidden, status);
        if (!isAnswered) Assert.Equal("urn:gristmill:unknown_host", Text(problem, "type"));
    }

    [Fact]
    public async Task Open_api_that_listens_elsewhere_than_on_loopback_answers_nobody()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        foreach (var (address, isInsecure, status) in new[] { ("127.0.0.1", false, 204), ("::1", false, 204), ("192.0.2.1", false, 403), ("192.0.2.1", true, 204) })
        {
            var options = new GristmillOptions { Access = { Insecure = isInsecure } };
            var context = new DefaultHttpContext { RequestServices = api.Services, Request = { Host = new HostString("localhost") }, Connection = { LocalIpAddress = IPAddress.Parse(address) } };
            context.Response.Body = new MemoryStream();
            await new HostGuard(options.Access, new AccessKeys(Options.Create(options))).CheckAsync(context, c =>
            {
                c.Response.StatusCode = 204;
                return Task.CompletedTask;
            });

            Assert.Equal(status, context.Response.StatusCode);
            context.Response.Body.Position = 0;
            if (status == 403) Assert.Equal("urn:gristmill:not_loopback", Text((await JsonDocument.ParseAsync(context.Response.Body, cancellationToken: Stop)).RootElement, "type"));
        }
    }

    [Fact]
    public async Task Change_that_failed_unforeseen_is_in_the_audit_log_as_500()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var call = new RouteEndpoint(_ => Task.CompletedTask, RoutePatternFactory.Parse("/api/some/call"), 0, new EndpointMetadataCollection(new CallRole(AccessRole.Admin)), null);
        var context = new DefaultHttpContext { Request = { Method = "POST" } };
        context.SetEndpoint(call);
        await Assert.ThrowsAsync<InvalidDataException>(() => api.Services.GetRequiredService<AuditLog>().FollowAsync(context, _ => throw new InvalidDataException()));
        Assert.Contains("called POST /api/some/call: queue -, id -: 500.", Assert.Single(api.Log.Of("Gristmill.Audit")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_carry_headers_that_keep_browsers_careful()
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: TestKeys.Set);
        foreach (var path in new[] { "/health/live", Queue, "/api//", "/nothing" })
        {
            using var response = await api.Http.GetAsync(path, Stop);
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal("DENY", response.Headers.GetValues("X-Frame-Options").Single());
            Assert.False(response.Headers.Contains("Server"));
            if (path[1..].StartsWith("api", StringComparison.Ordinal)) Assert.Contains("default-src 'none'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        }
    }

    private static async Task<(HttpStatusCode Status, string? After, string Detail)> ReadAsync(ApiFixture api, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/silos") { Headers = { { "X-Api-Key", key } } };
        using var response = await api.Http.SendAsync(request, Stop);
        var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Stop)).RootElement;
        return (response.StatusCode, response.Headers.TryGetValues("Retry-After", out var after) ? after.Single() : null, body.TryGetProperty("detail", out var detail) ? detail.GetString()! : "");
    }

    private static async Task<HttpResponseMessage> OpenAsync(ApiFixture api, string path, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "X-Api-Key", key } } };
        return await api.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
    }

    private static string? Text(JsonElement body, string name) => body.GetProperty(name).GetString();
}
