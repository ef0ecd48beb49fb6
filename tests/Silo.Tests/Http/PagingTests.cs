using Gristmill.Grains.Options;
using Gristmill.Store.Sessions;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Http;

/// <summary>Pages together are the whole, once each, also where jobs leave between two pages, and cost the same however much there is.</summary>
public sealed class PagingTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const int Large = 24;
    private const string Jobs = "/api/queues/asr/jobs";

    [Fact]
    public async Task Pages_of_jobs_of_one_time_go_on_behind_a_job_that_has_left()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        await BatchAsync(api, Enumerable.Range(0, 100).Select(i => $$$"""{"payload":{},"id":"j{{{i}}}","runAt":"2999-01-01T00:00:00Z"}"""));
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await PageAsync(api, $"{Jobs}?state=scheduled&limit=7", cursor);
            seen.AddRange(page.Ids);
            cursor = page.Cursor;

            // The very job that the cursor names leaves.
            if (cursor is not null) await api.PostAsync($"{Jobs}/{page.Ids[^1]}/cancel");
        }
        while (cursor is not null);

        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"j{i}").Order(), seen.Order());
    }

    [Fact]
    public async Task Pages_of_very_many_deferred_jobs_are_all_of_them()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        foreach (var part in Enumerable.Range(0, 10_500).Chunk(5_250)) await BatchAsync(api, part.Select(i => $$$"""{"payload":{},"id":"j{{{i}}}","dependsOn":["nobody"]}"""));
        var seen = new HashSet<string>();
        string? cursor = null;
        do
        {
            (var ids, cursor) = await PageAsync(api, $"{Jobs}?state=deferred&limit=1000", cursor);
            Assert.InRange(ids.Count, 1, 300);
            seen.UnionWith(ids);
        }
        while (cursor is not null);

        Assert.Equal(10_500, seen.Count);
    }

    [Theory]
    [InlineData("/api/queues/asr/jobs")]
    [InlineData("/api/queues/asr/jobs?state=running")]
    [InlineData("/api/queues/asr/jobs?state=completed")]
    [InlineData("/api/queues/asr/dead-letters")]
    public async Task Page_of_large_payloads_ends_before_it_is_too_much_for_memory(string path)
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var silo = await api.SiloAsync();
        var payload = $$$"""{"payload":{"text":"{{{new string('x', 1_000_000)}}}"}}""";
        for (var n = 0; n < Large; n++) await api.EnqueueAsync(payload);
        var starts = path.Contains("running", StringComparison.Ordinal) || path.Contains("completed", StringComparison.Ordinal);
        for (var started = 0; starts && started < Large;)
        {
            var seqs = await silo.StartAsync();
            started += seqs.Count;
            if (path.EndsWith("running", StringComparison.Ordinal)) continue;
            foreach (var seq in seqs) await silo.CompleteAsync(seq, $"\"{new string('r', 1_000_000)}\"");
        }

        for (var n = 0; path.EndsWith("letters", StringComparison.Ordinal) && n < 3; n++) await silo.BuryAllAsync();
        var (pages, seen) = (0, new List<string>());
        string? cursor = null;
        do
        {
            var (_, body) = await api.GetAsync(cursor is null ? path : $"{path}{(path.Contains('?') ? '&' : '?')}cursor={Uri.EscapeDataString(cursor)}");
            seen.AddRange(body.EnumerateObject().First().Value.EnumerateArray().Select(j => j.GetProperty("id").GetString()!));
            cursor = body.GetProperty("cursor").GetString();
            pages++;
        }
        while (cursor is not null);

        Assert.True(pages > 1, "All of it was on one page.");
        Assert.Equal(Large, seen.Distinct().Count());
        Assert.Equal(Large, seen.Count);
    }

    [Fact]
    public async Task Pages_of_a_sessions_jobs_are_in_its_order()
    {
        await using var api = await ApiFixture.StartAsync(stores, q => q.Sessions = new QueueSessionOptions { Order = SessionOrder.Sequence });
        var silo = await api.SiloAsync();
        await silo.PolicyAsync(new SessionPolicy { Order = SessionOrder.Sequence });
        foreach (var n in new[] { 3, 0, 4, 1, 2 }) await api.EnqueueAsync($$$"""{"payload":{"session_id":"s","sequence":{{{n}}}},"id":"j{{{n}}}"}""");
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            (var ids, cursor) = await PageAsync(api, "/api/sessions/asr/s/jobs?limit=2", cursor);
            seen.AddRange(ids);
        }
        while (cursor is not null);

        Assert.Equal(["j0", "j1", "j2", "j3", "j4"], seen);
    }

    private static async Task BatchAsync(ApiFixture api, IEnumerable<string> jobs) => Assert.Equal(System.Net.HttpStatusCode.Accepted, (await api.PostAsync($"{Jobs}/batch", $"[{string.Join(',', jobs)}]")).Status);

    private static async Task<(IReadOnlyList<string> Ids, string? Cursor)> PageAsync(ApiFixture api, string path, string? cursor)
    {
        var (_, body) = await api.GetAsync(cursor is null ? path : $"{path}&cursor={Uri.EscapeDataString(cursor)}");
        return ([.. body.GetProperty("jobs").EnumerateArray().Select(j => j.GetProperty("id").GetString()!)], body.GetProperty("cursor").GetString());
    }
}
