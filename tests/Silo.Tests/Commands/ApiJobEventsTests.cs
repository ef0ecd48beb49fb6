using System.Text.Json;
using Gristmill.Testing;
using Microsoft.AspNetCore.Http;

namespace Gristmill.Silo.Tests.Commands;

/// <summary>A job that is followed by the API's server-sent events.</summary>
public sealed class ApiJobEventsTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string Job = """{"id":"a","queue":"asr","state":"STATE","attempt":1,"errors":[],"priority":5,"enqueuedAt":"2026-01-01T00:00:00Z","silo":"mill"}""";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stream_that_breaks_is_opened_anew_and_says_nothing_twice()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        var opened = new List<string?>();
        await using var server = await ApiAddressTests.AnswersAsync(context => context.Request.Path.Value!.EndsWith("/events", StringComparison.Ordinal)
            ? EventsAsync(context, opened)
            : JsonAsync(context, Job.Replace("STATE", "running", StringComparison.Ordinal)));
        await using var remote = cli.ByApi(server.Urls.Single());
        var events = (await remote.RunAsync("job", "watch", "asr", "a", "--json")).Expect(0).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(["state running", "progress 1", "progress 2", "state completed"], events.Select(Short));
        Assert.Equal([null, "2", "2"], opened.Select(o => o is "" ? null : o));
    }

    // The first stream ends behind its second event; the second is refused, as by a silo that restarts; the third ends.
    private static async Task EventsAsync(HttpContext context, List<string?> opened)
    {
        opened.Add(context.Request.Headers["Last-Event-ID"].ToString());
        if (opened.Count == 2)
        {
            context.Response.StatusCode = 503;
            return;
        }

        context.Response.ContentType = "text/event-stream";
        await context.Response.WriteAsync($"id: 1\nevent: state\ndata: {Job.Replace("STATE", "running", StringComparison.Ordinal)}\n\n", Stop);
        if (opened.Count == 1)
        {
            await context.Response.WriteAsync(": still here\n\nid: 2\nevent: progress\ndata: {\"done\":1,\"total\":2}\n\n", Stop);
            return;
        }

        await context.Response.WriteAsync("id: 2\nevent: progress\ndata: {\"done\":2,\"total\":2}\n\n", Stop);
        await context.Response.WriteAsync($"id: end\nevent: state\ndata: {Job.Replace("STATE", "completed", StringComparison.Ordinal)}\n\n", Stop);
    }

    private static Task JsonAsync(HttpContext context, string json)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json, Stop);
    }

    private static string Short(string line)
    {
        var happened = JsonDocument.Parse(line).RootElement;
        var (kind, job) = (happened.GetProperty("event").GetString(), happened.GetProperty("job"));
        return kind == "progress" ? $"progress {job.GetProperty("progress").GetProperty("done")}" : $"state {job.GetProperty("state")}";
    }
}
