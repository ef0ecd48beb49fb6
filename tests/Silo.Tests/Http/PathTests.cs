using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Http;

/// <summary>
/// Ids in paths, sent byte for byte: a usual client would take away dots and escapes before the server sees them.
/// </summary>
public sealed class PathTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string Jobs = "/api/queues/asr/jobs";
    private const string Dead = "/api/queues/asr/dead-letters";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Ids, and what stands for them in a path.</summary>
    public static TheoryData<string, string> Ids() => new()
    {
        { "a/b", "a%2Fb" },
        { "a/b", "a%2fb" },
        { "a%2Fb", "a%252Fb" },
        { "a%252Fb", "a%25252Fb" },
        { "%", "%25" },
        { "100%", "100%25" },
        { "a+b", "a+b" },
        { "a+b", "a%2Bb" },
        { "a b", "a%20b" },
        { "../../../asr", "..%2F..%2F..%2Fasr" },
        { "requeue", "requeue" },
        { "a?b#c", "a%3Fb%23c" },
        { "мельница 碾磨 🌾", Uri.EscapeDataString("мельница 碾磨 🌾") },
        { "a\\b", "a%5Cb" },
    };

    [Theory, MemberData(nameof(Ids))]
    public async Task Id_in_a_path_is_decoded_once_and_names_its_job_alone(string id, string segment)
    {
        await using var api = await ApiFixture.StartAsync(stores);
        foreach (var other in new[] { "a/b", "a%2Fb", "a%252Fb", "%", "100%", "a+b", "a b", "../../../asr", "requeue", "a?b#c", "a\\b", "мельница 碾磨 🌾" })
        {
            await api.EnqueueAsync(JsonSerializer.Serialize(new { payload = new { }, id = other, runAt = "2999-01-01T00:00:00Z" }));
        }

        var found = await SendAsync(api, "GET", $"{Jobs}/{segment}");
        var cancelled = await SendAsync(api, "POST", $"{Jobs}/{segment}/cancel");
        var states = (await api.GetAsync($"{Jobs}?limit=100")).Body.GetProperty("jobs").EnumerateArray().Where(j => Text(j, "state") == "cancelled").Select(j => Text(j, "id"));

        Assert.Equal((200, id), (found.Status, Text(found.Body, "id")));
        Assert.Equal((202, id), (cancelled.Status, Text(cancelled.Body.GetProperty("job"), "id")));
        Assert.Equal([id], states);
    }

    [Theory]
    [InlineData("%2E")]
    [InlineData(".")]
    [InlineData("%2e%2E")]
    [InlineData("..")]
    public async Task Id_of_dots_alone_can_be_no_jobs_and_names_nothing_else(string segment)
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var (status, problem) = await api.PostAsync(Jobs, JsonSerializer.Serialize(new { payload = new { }, id = Uri.UnescapeDataString(segment) }));
        await api.EnqueueAsync();

        Assert.Equal((HttpStatusCode.BadRequest, "id"), (status, Text(problem, "field")));
        Assert.Equal((404, "id"), (await SendAsync(api, "GET", $"{Jobs}/{segment}")) is var (found, body) ? (found, Text(body, "field")) : default);
        Assert.Equal(404, (await SendAsync(api, "GET", $"{Jobs}/{segment}/events")).Status);
    }

    [Theory]
    [InlineData("a%ZZ")]
    [InlineData("a%")]
    [InlineData("a%2")]
    [InlineData("%ED%A0%80")]
    [InlineData("%C0%AF")]
    [InlineData("%FF")]
    public async Task Escape_that_is_no_text_is_refused_by_name(string segment)
    {
        await using var api = await ApiFixture.StartAsync(stores);
        foreach (var (method, target) in new[] { ("GET", $"{Jobs}/{segment}"), ("GET", $"{Jobs}/{segment}/events"), ("POST", $"{Jobs}/{segment}/cancel"), ("DELETE", $"{Dead}/{segment}") })
        {
            var (status, body) = await SendAsync(api, method, target);
            Assert.Equal((400, "id"), (status, Text(body, "field")));
        }
    }

    [Theory]
    [InlineData("DELETE", $"{Dead}/.", 404)]
    [InlineData("DELETE", $"{Dead}/%2E", 404)]
    [InlineData("DELETE", $"/api/queues/asr/jobs/%2E%2E/dead-letters", 404)]
    [InlineData("DELETE", $"/x/../api/queues/asr/dead-letters/.", 404)]
    [InlineData("DELETE", $"/%61pi/queues/asr/dead-letters/.", 404)]
    [InlineData("DELETE", $"{Dead}/", 400)]
    [InlineData("DELETE", $"{Dead}//", 400)]
    [InlineData("POST", $"{Dead}/./requeue", 404)]
    [InlineData("POST", $"{Dead}/%2e/requeue", 404)]
    [InlineData("POST", $"{Dead}//requeue", 400)]
    [InlineData("POST", $"{Dead}/requeue/", 400)]
    public async Task Path_with_an_id_of_dots_or_none_is_never_one_of_all_dead_letters(string method, string target, int expected)
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var silo = await api.SiloAsync();
        await api.EnqueueAsync();
        await silo.BuryAllAsync("fatal");

        Assert.Equal(expected, (await SendAsync(api, method, target)).Status);
        Assert.Equal(1, (await api.GetAsync(Dead)).Body.GetProperty("deadLetters").GetArrayLength());
    }

    [Fact]
    public async Task Place_of_a_new_job_leads_to_it_whatever_its_id()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        foreach (var id in new[] { "a%2Fb", "%", "a/b?c#d", "ü" })
        {
            using var body = new StringContent(JsonSerializer.Serialize(new { payload = new { }, id }), Encoding.UTF8, "application/json");
            using var response = await api.Http.PostAsync(Jobs, body, Stop);
            var place = response.Headers.GetValues("Location").Single();
            Assert.Equal(id, Text((await SendAsync(api, "GET", place)).Body, "id"));
        }
    }

    [Fact]
    public async Task Absolute_target_and_query_are_understood()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        await api.EnqueueAsync("""{"payload":{},"id":"a%2Fb"}""");

        Assert.Equal(200, (await SendAsync(api, "GET", $"{api.Http.BaseAddress!.GetLeftPart(UriPartial.Authority)}{Jobs}/a%252Fb?x=/../y%2F")).Status);
    }

    private static string? Text(JsonElement body, string name) => body.GetProperty(name).GetString();

    private static async Task<(int Status, JsonElement Body)> SendAsync(ApiFixture api, string method, string target)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, api.Http.BaseAddress!.Port, Stop);
        await using var stream = client.GetStream();

        // HTTP/1.0: the answer ends with the connection.
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{method} {target} HTTP/1.0\r\nHost: {api.Http.BaseAddress.Authority}\r\nContent-Length: 0\r\n\r\n"), Stop);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var answer = await reader.ReadToEndAsync(Stop);
        var status = int.Parse(answer.Split(' ')[1], CultureInfo.InvariantCulture);
        var body = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        return (status, body.StartsWith('{') ? JsonDocument.Parse(body).RootElement : default);
    }
}
