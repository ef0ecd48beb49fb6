using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Tests.Http.Access;
using Gristmill.Store.Sessions;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Http;

/// <summary>
/// Every call of the document with random and hostile values: the silo never fails, every refusal is a problem as the document
/// has it, and without the right role nothing is changed. GRISTMILL_SEED repeats a run.
/// </summary>
public sealed class ApiFuzzTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly int Requests = Environment.GetEnvironmentVariable("GRISTMILL_LONG") == "1" ? 10_000 : 1_500;
    private const int MostShown = 10;
    private const int LongestLine = 8192;
    private static readonly string[] Types = ["application/json", "application/json; charset=utf-8", "application/merge-patch+json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", "a/b;;=", ""];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hostile_values_in_every_call_are_answered_and_never_break_the_silo()
    {
        var seed = Seed();
        await using var api = await StartAsync(_ => { });
        var document = await api.Contract.DocumentAsync();
        var (calls, hostile) = (Calls(document), new Hostile(new Random(seed), document));
        var faults = new List<string>();
        var statuses = new SortedDictionary<int, int>();
        for (var n = 0; n < Requests; n++)
        {
            var sent = Make(calls[n % calls.Count], hostile);
            var answer = await sent.SendAsync(api);
            statuses[answer.Status] = statuses.GetValueOrDefault(answer.Status) + 1;
            if (Fault(document, sent, answer) is { } fault) faults.Add($"request {n}: {sent}\n{fault}");
        }

        Assert.True(faults.Count == 0, $"seed {seed}: {faults.Count} faults; the first:\n{string.Join("\n\n", faults.Take(MostShown))}");

        TestContext.Current.SendDiagnosticMessage($"seed {seed}: {string.Join(", ", statuses.Select(s => $"{s.Key}: {s.Value}"))}");
        Assert.Empty(api.Log.Of("Gristmill.Http"));

        // It does reach what it is about: without this a wrong path would make a quiet test.
        foreach (var status in new[] { 200, 202, 400, 404, 409, 415 }) Assert.True(statuses.GetValueOrDefault(status) > 0, $"seed {seed}: no {status} at all.");
    }

    [Fact]
    public async Task Call_without_the_role_that_it_needs_changes_nothing()
    {
        var seed = Seed();
        await using var api = await StartAsync(TestKeys.Set);
        var document = await api.Contract.DocumentAsync();
        var hostile = new Hostile(new Random(seed), document);
        var before = await SnapshotAsync(api);
        var refused = 0;
        foreach (var call in Calls(document).Where(c => c.Role is not null))
        {
            foreach (var (key, role) in new[] { (null, -1), ("gm_nobody", -1), (TestKeys.Read, 0), (TestKeys.Operate, 1) }.Where(k => k.Item2 < (int)call.Role!))
            {
                for (var n = 0; n < 3; n++)
                {
                    var sent = Make(call, hostile, n == 0);
                    if (key is not null) sent.Headers.Add(n == 1 ? ("X-Api-Key", key) : ("Authorization", $"Bearer {key}"));
                    var answer = await sent.SendAsync(api);
                    refused++;

                    // A path that is none is refused before anybody is asked for a key.
                    if (n > 0 && answer.Status == 400) continue;
                    Assert.True(answer.Status == (role < 0 ? 401 : 403), $"seed {seed}: {sent}: {answer}");
                    Assert.Equal("application/problem+json", answer.MediaType);
                }
            }
        }

        Assert.True(refused > 200, $"Only {refused} requests.");
        Assert.Equal(before, await SnapshotAsync(api));
    }

    private static string? Fault(JsonElement document, Sent sent, RawAnswer answer)
    {
        if (answer.Status >= 500) return $"{answer.Status}: {answer.Body}";
        if (answer.Status >= 400 && (answer.Body.Contains("   at ", StringComparison.Ordinal) || answer.Body.Contains("Exception", StringComparison.Ordinal))) return $"shows inner parts: {answer.Body}";

        // What is no request for the server itself, or has too long a first line, never reaches the silo.
        if (answer is { Status: 400, Body: "" } && sent.Target.Contains("%00", StringComparison.Ordinal)) return null;
        if (answer is { Status: 414, Body: "" } && sent.Target.Length > LongestLine - 32) return null;
        return ApiContract.Fault(document, sent.Method, sent.Target.Split('?')[0], answer.Status, answer.MediaType, answer.MediaType == "text/event-stream" ? "" : answer.Body);
    }

    private static Sent Make(Call call, Hostile hostile, bool plain = false)
    {
        var path = new StringBuilder();
        foreach (var part in call.Path.Split('/')[1..])
        {
            path.Append('/').Append(part switch
            {
                "{queue}" when plain || hostile.Chance(85) => "asr",
                "{id}" when plain || hostile.Chance(45) => hostile.Any(["j1", "j2", "d1", "d2", "s1"]),
                ['{', ..] => hostile.Segment(),
                _ => part,
            });
        }

        var query = call.Query.Where(_ => hostile.Chance(35)).Select(q => $"{q}={Uri.EscapeDataString(q == "limit" && hostile.Chance(60) ? "2" : hostile.Text())}").ToList();
        if (!plain && hostile.Chance(5)) query.Add($"{Uri.EscapeDataString(hostile.Text())}=%zz&&=");
        var headers = call.Headers.Where(_ => !plain && hostile.Chance(20)).Select(h => (h, Header(hostile.Text()))).ToList();
        var body = call.Method == "GET" ? [] : hostile.Body(call.Body);
        if (body.Length > 0 && hostile.Chance(95)) headers.Add(("Content-Type", plain || hostile.Chance(85) ? Types[0] : hostile.Any(Types)));
        return new Sent(call.Method, path + (query.Count > 0 && !plain ? $"?{string.Join('&', query)}" : ""), headers, body);
    }

    // What cannot stand in a header would make another request of it.
    private static string Header(string text) => new([.. text.Where(c => c is >= ' ' and not '\u007F' && !char.IsSurrogate(c))]);

    private static int Seed() => int.TryParse(Environment.GetEnvironmentVariable("GRISTMILL_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : RandomNumberGenerator.GetInt32(int.MaxValue);

    private static List<Call> Calls(JsonElement document) => [.. document.GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject().Select(c => Call.Of(c.Name, p.Name, c.Value)))];

    // Jobs of several states, dead letters and a session to be found.
    private async Task<ApiFixture> StartAsync(Action<GristmillOptions> access)
    {
        var api = await ApiFixture.StartAsync(stores, q => q.Sessions = new QueueSessionOptions(), silo: o =>
        {
            access(o);
            (o.Access.RequestsPerSecond, o.Access.Burst) = (0, 1);
        });
        var silo = await api.SiloAsync();
        await silo.PolicyAsync(new SessionPolicy());
        foreach (var id in new[] { "d1", "d2" }) await EnqueueAsync(api, $$$"""{"payload":{},"id":"{{{id}}}"}""");
        await silo.BuryAllAsync("fatal");
        await EnqueueAsync(api, """{"payload":{"session_id":"s1"},"id":"j1"}""");
        await EnqueueAsync(api, """{"payload":{},"id":"j2","runAt":"2999-01-01T00:00:00Z"}""");
        return api;
    }

    private static async Task EnqueueAsync(ApiFixture api, string job) => Assert.Equal(
        System.Net.HttpStatusCode.Accepted,
        (await api.SendAsync(HttpMethod.Post, "/api/queues/asr/jobs", new StringContent(job, Encoding.UTF8, "application/json"), ("X-Api-Key", TestKeys.Operate))).Status);

    // Everything of this service in Redis.
    private static async Task<string> SnapshotAsync(ApiFixture api)
    {
        var lines = new List<string>();
        var cursor = "0";
        do
        {
            var page = await api.Redis.ExecuteAsync(new RedisCommand("SCAN", cursor, "MATCH", $"*{api.Service}*", "COUNT", "10000"), Stop);
            foreach (var key in page[1].AsList().Select(k => k.AsString()))
            {
                var dump = await api.Redis.ExecuteAsync(new RedisCommand("DUMP", key), Stop);
                lines.Add($"{key} {(dump.IsNull ? "-" : Convert.ToHexString(SHA256.HashData(dump.Bytes.Span)))}");
            }

            cursor = page[0].AsString();
        }
        while (cursor != "0");
        Assert.NotEmpty(lines);
        return string.Join('\n', lines.Distinct().Order(StringComparer.Ordinal));
    }

    private sealed record Call(string Method, string Path, AccessRole? Role, IReadOnlyList<string> Query, IReadOnlyList<string> Headers, JsonElement? Body)
    {
        public static Call Of(string method, string path, JsonElement call)
        {
            var parameters = call.TryGetProperty("parameters", out var all) ? all.EnumerateArray().Select(p => (In: p.GetProperty("in").GetString(), Name: p.GetProperty("name").GetString()!)).ToList() : [];
            var role = call.TryGetProperty("description", out var said) ? Enum.GetValues<AccessRole>().Where(r => said.GetString()!.Contains($"Role: {r.ToString().ToLowerInvariant()}.", StringComparison.Ordinal)).Cast<AccessRole?>().FirstOrDefault() : null;
            return new Call(
                method.ToUpperInvariant(), path, role, [.. parameters.Where(p => p.In == "query").Select(p => p.Name)], [.. parameters.Where(p => p.In == "header").Select(p => p.Name)],
                call.TryGetProperty("requestBody", out var body) ? body.GetProperty("content").GetProperty("application/json").GetProperty("schema") : null);
        }
    }

    private sealed record Sent(string Method, string Target, List<(string Name, string Value)> Headers, byte[] Body)
    {
        public Task<RawAnswer> SendAsync(ApiFixture api) => RawHttp.SendAsync(api.Http.BaseAddress!.Port, Method, Target, Headers, Body, Stop);

        public override string ToString() => $"{Method} {Target} {string.Join("; ", Headers.Select(h => $"{h.Name}: {h.Value}"))}\n{Encoding.UTF8.GetString(Body.AsSpan(0, Math.Min(Body.Length, 2000)))}";
    }
}
