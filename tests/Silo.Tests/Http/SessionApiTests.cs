using System.Net;
using System.Text.Json;
using Gristmill.Store.Sessions;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Http;

/// <summary>Sessions over HTTP, on a store that a silo made by hand moves.</summary>
public sealed class SessionApiTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string Jobs = "/api/queues/asr/jobs";

    [Fact]
    public async Task A_session_is_shown_with_its_results_in_order_and_says_why_a_job_waits()
    {
        await using var api = await ApiFixture.StartAsync(stores, q => q.Sessions = new() { Order = SessionOrder.Sequence });
        var silo = await api.SiloAsync();
        await silo.PolicyAsync(new SessionPolicy { Order = SessionOrder.Sequence });
        foreach (var (id, sequence) in new[] { ("c1", 1), ("c0", 0), ("c2", 2) })
        {
            await api.PostAsync(Jobs, $$"""{"id":"{{id}}","payload":{"session_id":"s 1","session_total":3,"sequence":{{sequence}} } }""");
        }

        var first = Assert.Single(await silo.StartAsync());
        await silo.CompleteAsync(first, """{"text":"one"}""");
        var (_, session) = await api.GetAsync("/api/sessions/asr/s%201");
        Assert.Equal(("ending", 1, 3, 33.3), (session.GetProperty("state").GetString(), session.GetProperty("done").GetInt32(), session.GetProperty("total").GetInt32(), session.GetProperty("percent").GetDouble()));
        var (_, jobs) = await api.GetAsync("/api/sessions/asr/s%201/jobs?limit=2");
        Assert.Equal(["c0", "c1"], jobs.GetProperty("jobs").EnumerateArray().Select(j => j.GetProperty("id").GetString()));
        Assert.Equal("one", jobs.GetProperty("jobs")[0].GetProperty("result").GetProperty("text").GetString());
        Assert.Equal("c2", Assert.Single((await api.GetAsync($"/api/sessions/asr/s%201/jobs?cursor={jobs.GetProperty("cursor").GetString()}")).Body.GetProperty("jobs").EnumerateArray()).GetProperty("id").GetString());
        Assert.Equal("session", (await api.GetAsync($"{Jobs}/c2")).Body.GetProperty("waitingFor").GetProperty("for").GetString());
        Assert.Equal("slot", (await api.GetAsync($"{Jobs}/c1")).Body.GetProperty("waitingFor").GetProperty("for").GetString());
        Assert.Equal(["c1", "c2"], (await AllAsync(api, $"{Jobs}?state=queued&limit=1", "jobs")).Select(j => j.GetProperty("id").GetString()));
        Assert.Equal(2, (await api.GetAsync("/api/queues/asr")).Body.GetProperty("counts").GetProperty("queued").GetInt32());
        Assert.Equal("s 1", Assert.Single((await api.GetAsync("/api/sessions/asr")).Body.GetProperty("sessions").EnumerateArray()).GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_session_is_ended_and_cancelled_once()
    {
        await using var api = await ApiFixture.StartAsync(stores, q => q.Sessions = new());
        var silo = await api.SiloAsync();
        await silo.PolicyAsync(new SessionPolicy());
        await api.PostAsync(Jobs, """{"id":"a","sessionId":"ended","payload":{}}""");
        await api.PostAsync(Jobs, """{"id":"b","sessionId":"cancelled","payload":{}}""");

        Assert.Equal((HttpStatusCode.Accepted, "ending"), await MoveAsync(api, "ended/end"));
        await silo.CompleteAsync((await silo.StartAsync(1))[0], "1");
        Assert.Equal("completed", (await api.GetAsync("/api/sessions/asr/ended")).Body.GetProperty("state").GetString());
        Assert.Equal(HttpStatusCode.Conflict, (await api.PostAsync("/api/sessions/asr/ended/end")).Status);
        Assert.Equal((HttpStatusCode.Accepted, "cancelling"), await MoveAsync(api, "cancelled/cancel"));
        await silo.Store.StepSessionsAsync(100, TestContext.Current.CancellationToken);
        Assert.Equal("cancelled", (await api.GetAsync("/api/sessions/asr/cancelled")).Body.GetProperty("state").GetString());
        Assert.Equal("cancelled", (await api.GetAsync($"{Jobs}/b")).Body.GetProperty("state").GetString());
    }

    [Theory]
    [InlineData("/api/sessions/asr/nobody", "id")]
    [InlineData("/api/sessions/asr/nobody/jobs", "id")]
    [InlineData("/api/sessions/nobody/s1", "queue")]
    public async Task What_is_not_there_is_404_and_named(string path, string field)
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var (status, body) = await api.GetAsync(path);
        Assert.Equal((HttpStatusCode.NotFound, field), (status, body.GetProperty("field").GetString()));
    }

    private static async Task<(HttpStatusCode, string?)> MoveAsync(ApiFixture api, string path)
    {
        var (status, body) = await api.PostAsync($"/api/sessions/asr/{path}");
        return (status, body.GetProperty("state").GetString());
    }

    private static async Task<List<JsonElement>> AllAsync(ApiFixture api, string path, string name)
    {
        var all = new List<JsonElement>();
        for (var next = path; ;)
        {
            var (_, page) = await api.GetAsync(next);
            all.AddRange(page.GetProperty(name).EnumerateArray());
            if (page.GetProperty("cursor").GetString() is not { } cursor) return all;
            next = $"{path}&cursor={Uri.EscapeDataString(cursor)}";
        }
    }
}
