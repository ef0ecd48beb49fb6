using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Gristmill.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Silo.Tests.Http;

public sealed class JobEventStreamTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Events_of_a_job_are_states_and_progress_and_end_with_the_outcome()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var silo = await api.SiloAsync();
        var id = await api.EnqueueAsync();
        using var response = await OpenAsync(api, id);
        await using var events = SseParser.Create(await response.Content.ReadAsStreamAsync(Stop)).EnumerateAsync(Stop).GetAsyncEnumerator(Stop);

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(("1", "state", "queued"), State(await NextAsync(events)));
        var next = NextAsync(events);
        var seq = await silo.StartOneAsync();
        Assert.Equal(("2", "state", "running"), State(await next));
        await silo.ProgressAsync(seq, 1, 4, "erster Teil, für alle");
        var progress = await NextAsync(events);
        Assert.Equal("progress", progress.EventType);
        Assert.Equal("""{"done":1,"total":4,"message":"erster Teil, für alle","percent":25}""", progress.Data);
        await silo.CompleteAsync(seq, """{"text":"hello\nthere"}""");
        Assert.Equal(("end", "state", "completed"), State(await NextAsync(events)));
        Assert.False(await events.MoveNextAsync().AsTask().WaitAsync(Limit, Stop));
    }

    [Fact]
    public async Task Events_reader_that_has_seen_the_end_is_told_not_to_come_again()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var id = await api.EnqueueAsync();
        Assert.Equal(HttpStatusCode.NoContent, (await api.SendAsync(HttpMethod.Get, $"/api/queues/asr/jobs/{id}/events", null, ("Last-Event-ID", "end"))).Status);
    }

    [Fact]
    public async Task Events_reader_that_was_cut_off_is_counted_on_and_gets_the_outcome_that_came_meanwhile()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var silo = await api.SiloAsync();
        var id = await api.EnqueueAsync();
        using (var response = await OpenAsync(api, id, "7"))
        {
            await using var events = SseParser.Create(await response.Content.ReadAsStreamAsync(Stop)).EnumerateAsync(Stop).GetAsyncEnumerator(Stop);
            Assert.Equal(("8", "state", "queued"), State(await NextAsync(events)));
        }

        await silo.CompleteAsync(await silo.StartOneAsync());
        foreach (var last in new[] { "8", "not ours", "-1", "99999999999999999999" })
        {
            using var response = await OpenAsync(api, id, last);
            await using var events = SseParser.Create(await response.Content.ReadAsStreamAsync(Stop)).EnumerateAsync(Stop).GetAsyncEnumerator(Stop);
            Assert.Equal(("end", "state", "completed"), State(await NextAsync(events)));
        }
    }

    [Fact]
    public async Task Events_unknown_job_is_404()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var (status, problem) = await api.GetAsync("/api/queues/asr/jobs/nobody/events");
        Assert.Equal((HttpStatusCode.NotFound, "id"), (status, problem.GetProperty("field").GetString()));
    }

    [Fact]
    public async Task Events_silence_is_filled_with_comments()
    {
        var clock = new FakeTimeProvider();
        await using var api = await ApiFixture.StartAsync(stores, clock: clock);
        var id = await api.EnqueueAsync();
        using var response = await OpenAsync(api, id);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Stop));
        while (await lines.ReadLineAsync(Stop).AsTask().WaitAsync(Limit, Stop) is { Length: > 0 })
        {
            // The first event.
        }

        var comment = lines.ReadLineAsync(Stop).AsTask();
        await Eventually.TrueAsync(
            "a comment",
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(15));
                return comment.IsCompleted;
            },
            cancellationToken: Stop);
        Assert.StartsWith(":", await comment, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_reader_that_leaves_ends_its_watch()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var silo = await api.SiloAsync();
        var id = await api.EnqueueAsync();
        using (var response = await OpenAsync(api, id))
        {
            await Eventually.EqualAsync(1L, () => SubscribersAsync(api, silo.Store.Keys.Events), cancellationToken: Stop);
        }

        await Eventually.EqualAsync(0L, () => SubscribersAsync(api, silo.Store.Keys.Events), cancellationToken: Stop);
    }

    [Fact]
    public async Task Events_outcome_with_a_large_result_comes_whole_to_all_readers()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var silo = await api.SiloAsync();
        var id = await api.EnqueueAsync();
        var result = $"\"{string.Create(300_000, 0, (text, _) => { for (var i = 0; i < text.Length; i++) text[i] = (char)('a' + i % 26); })}ü\"";
        using var first = await OpenAsync(api, id);
        using var second = await OpenAsync(api, id);
        await silo.CompleteAsync(await silo.StartOneAsync(), result);
        foreach (var response in new[] { first, second })
        {
            var last = await SseParser.Create(await response.Content.ReadAsStreamAsync(Stop)).EnumerateAsync(Stop).LastAsync(Stop).AsTask().WaitAsync(Limit, Stop);
            Assert.Equal(("end", result), (last.EventId, JsonDocument.Parse(last.Data).RootElement.GetProperty("result").GetRawText()));
        }
    }

    [Fact]
    public async Task Events_readers_of_an_open_silo_are_bounded_too()
    {
        await using var api = await ApiFixture.StartAsync(stores, silo: o => o.Api.MaxStreams = 1);
        var path = $"/api/queues/asr/jobs/{await api.EnqueueAsync()}/events";
        using (await OpenAsync(api, path.Split('/')[^2]))
        {
            var (status, problem) = await api.GetAsync(path);
            Assert.Equal((HttpStatusCode.TooManyRequests, "urn:gristmill:too_many_streams"), (status, problem.GetProperty("type").GetString()));
            Assert.StartsWith("This silo has 1 event streams open (Gristmill:Api:MaxStreams).", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/api/queues/asr")).Status);
        }

        await Eventually.TrueAsync(
            "room for another stream",
            async () =>
            {
                using var again = await api.Http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, Stop);
                return again.StatusCode == HttpStatusCode.OK;
            },
            cancellationToken: Stop);
    }

    private static async Task<long> SubscribersAsync(ApiFixture api, string channel) =>
        (await api.Redis.ExecuteAsync(new Gristmill.Redis.RedisCommand("PUBSUB", "NUMSUB", channel), Stop))[1].AsInteger();

    private static async Task<HttpResponseMessage> OpenAsync(ApiFixture api, string id, string? last = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/queues/asr/jobs/{id}/events");
        if (last is not null) request.Headers.TryAddWithoutValidation("Last-Event-ID", last);
        var response = await api.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response;
    }

    private static (string? Id, string Event, string? State) State(SseItem<string> item) =>
        (item.EventId, item.EventType, JsonDocument.Parse(item.Data).RootElement.GetProperty("state").GetString());

    private static async Task<SseItem<string>> NextAsync(IAsyncEnumerator<SseItem<string>> events)
    {
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Limit, Stop), "The stream ended before the next event.");
        return events.Current;
    }
}
