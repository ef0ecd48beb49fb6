using System.Text.Json;
using Gristmill.Grains.Tests.Bridge;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.DeadLetters;

/// <summary>A producer that waits on its reply list hears of every end that its job can have.</summary>
public sealed class ReplyTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Jobs_that_end_while_they_wait_are_told(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var replies = stage.Service + ":replies";
        await stage.StartSiloAsync(q => (q.ReplyToPrefixes, q.Concurrency) = ([stage.Service], 1));
        string Job(string id, string more) => $$"""{"job_id":"{{id}}","reply_to":"{{replies}}"{{more}}}""";
        await stage.CancelAsync("early");
        await stage.PushAsync(
            Job("held", ""","n":1,"do":"hold" """), Job("later", ""","run_at":"2099-01-01" """), Job("child", ""","depends_on":["parent"]"""),
            Job("other", ""","depends_on":["nobody"]"""), Job("early", ""","n":2"""));
        await stage.Orders.CalledAsync(1);
        await stage.EnqueueAsync((new JobHeader { Id = "ready", ReplyTo = replies }, """{"n":3}"""), (new JobHeader { Id = "parent" }, """{"n":4,"do":"fatal"}"""));
        stage.Orders.Release(1);
        await stage.JobAsync("other", JobState.Deferred);
        await stage.JobAsync("later", JobState.Scheduled);
        await stage.CancelAsync("other", "later");

        Assert.Equal(
            ["child dead dependency_failed", "early cancelled requested", "held completed -", "later cancelled test", "other cancelled test", "ready completed -"],
            await RepliesAsync(stage, replies, 6));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Items_that_are_no_jobs_are_told(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var replies = stage.Service + ":replies";
        await stage.StartSiloAsync(q => (q.ReplyToPrefixes, q.MaxPayloadBytes) = ([stage.Service], 500));
        var to = $"\"reply_to\":\"{replies}\"";
        await stage.PushAsync($$"""{"job_id":"twice","n":1,{{to}}}""", $$"""{"job_id":"twice","n":2,{{to}}}""");
        await stage.PushAsync(
            $$"""{"job_id":"cut",{{to}},"n":""", $$"""{"job_id":"wrong","timeout":"soon",{{to}}}""", $$"""{"job_id":"large",{{to}},"x":"{{new string('x', 500)}}"}""",
            """{"job_id":"away","reply_to":"elsewhere"}""", "no job");

        Assert.Equal(
            ["cut dead malformed", "large dead too_large", "twice completed -", "twice dead id_conflict", "wrong dead invalid_field"],
            await RepliesAsync(stage, replies, 5));
        await stage.DeadAsync(6);
        Assert.Equal(0, await stage.LengthAsync("elsewhere"));
    }

    private static async Task<IEnumerable<string>> RepliesAsync(Stage stage, string list, int count) =>
        (await stage.ReadListAsync(list, count)).Select(r => $"{Text(r, "payloadId") ?? Text(r, "id")} {Text(r, "state")} {Text(r, "reason") ?? "-"}").Order(StringComparer.Ordinal);

    private static string? Text(JsonElement reply, string name) => reply.TryGetProperty(name, out var value) ? value.GetString() : null;
}
