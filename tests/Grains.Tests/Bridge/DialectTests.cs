using Gristmill.Store;
using Gristmill.Store.Payloads;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary>A queue that takes another library's messages.</summary>
public sealed class DialectTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string Resque = """{"class":"HardWorker","args":["bob",5]}""";

    private static string Celery(int n, string headers) =>
        $$"""{"n":{{n}},"body":"W1tdLHt9LHt9XQ==","content-encoding":"utf-8","headers":{"task":"t",{{headers}} },"properties":{"body_encoding":"base64"} }""";

    private static string At(TimeSpan fromNow) => DateTimeOffset.UtcNow.Add(fromNow).ToString("O", System.Globalization.CultureInfo.InvariantCulture);

    // As Celery does: pushed left into a list that it has bound.
    private static async Task SendAsync(Stage stage, params string[] messages)
    {
        await stage.DoAsync("SADD", ForeignDialects.CeleryBinding(stage.List), "x");
        await stage.DoAsync(["LPUSH", stage.List, .. messages]);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task List_of_the_queues_dialect_is_taken_in_order_and_byte_for_byte(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var messages = Enumerable.Range(1, 20).Select(n => Celery(n, $"\"id\":\"c{n}\",\"eta\":null")).ToArray();
        await SendAsync(stage, messages);
        await stage.StartSiloAsync(q => (q.Concurrency, q.Dialect) = (1, Dialect.Celery));
        await stage.CompletedAsync(20);
        Assert.Equal(Enumerable.Range(1, 20), stage.Orders.Numbers);
        Assert.Equal(messages[4], System.Text.Encoding.UTF8.GetString((await stage.FindAsync("c5"))!.Payload.Span));
        Assert.Equal(0, (await stage.CountAsync()).Dead);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Plain_json_among_them_is_a_job_and_another_librarys_message_a_dead_letter(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await SendAsync(stage, Celery(1, "\"id\":\"c1\""), Resque, """{"n":2}""", Celery(3, "\"id\":\"c3\",\"eta\":\"soon\""), Celery(4, "\"id\":\"c4\""));
        await stage.StartSiloAsync(q => q.Dialect = Dialect.Celery);
        var dead = (await stage.DeadAsync(2)).OrderBy(d => d.Header.Reason, StringComparer.Ordinal).ToList();
        Assert.Equal([("foreign_dialect", null), ("invalid_field", "c3")], dead.Select(d => (d.Header.Reason, d.Header.GivenId)));
        await stage.CompletedAsync(3);
        Assert.Equal([1, 2, 4], stage.Orders.Numbers.Order());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Task_that_is_sent_again_with_another_delivery_runs_once(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var first = Celery(1, "\"id\":\"c1\"");
        await SendAsync(stage, first, first.Replace("base64\"", "base64\",\"delivery_tag\":\"2\"", StringComparison.Ordinal), Celery(2, "\"id\":\"c2\""));
        await stage.StartSiloAsync(q => q.Dialect = Dialect.Celery);
        await stage.CountsAsync("the second is a duplicate", c => (c.Totals["completed"], c.Totals["duplicates"], c.Dead) == (2, 1, 0));
        Assert.Equal([1, 2], stage.Orders.Numbers.Order());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Task_whose_time_has_passed_is_cancelled_unrun_until_somebody_requeues_it(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync(q => (q.Dialect, q.ReplyToPrefixes) = (Dialect.Celery, ["replies:"]));
        await SendAsync(stage, Celery(1, "\"id\":\"late\",\"expires\":\"2020-01-01T00:00:00\"").Replace("{\"n\":1", $$"""{"n":1,"reply_to":"replies:{{stage.Service}}" """, StringComparison.Ordinal));
        var job = await stage.JobAsync("late", JobState.Cancelled);
        Assert.Equal(("expired", 0, 0), (job.Header.Reason, job.Header.Attempts, job.Header.Errors.Count));
        Assert.Equal("expired", Assert.Single(await stage.ReadListAsync($"replies:{stage.Service}", 1)).GetProperty("reason").GetString());
        Assert.Empty(stage.Orders.Calls);
        await stage.RequeueAsync(job.Seq);
        await stage.JobAsync("late", JobState.Completed);
        Assert.Equal([1], stage.Orders.Numbers);
    }

    // The second task says when the first one's time has passed.
    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Task_whose_time_passes_while_it_runs_goes_on_and_is_not_tried_again(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync(q => q.Dialect = Dialect.Celery);
        var passed = At(TimeSpan.FromSeconds(2));
        await SendAsync(stage, Celery(1, $"\"id\":\"slow\",\"expires\":\"{passed}\"").Replace("{\"n\":1", "{\"n\":1,\"do\":\"hold-fail\"", StringComparison.Ordinal), Celery(2, $"\"id\":\"bell\",\"eta\":\"{passed}\""));
        await stage.JobAsync("bell", JobState.Completed);
        stage.Orders.Release(1);
        var slow = await stage.JobAsync("slow", JobState.Cancelled);
        Assert.Equal(("expired", 1, "error"), (slow.Header.Reason, slow.Header.Attempts, Assert.Single(slow.Header.Errors).Kind));
    }

    // The time goes with the record: it is looked at when the job would start.
    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Task_that_expires_while_it_is_scheduled_is_cancelled_and_one_that_does_not_runs(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync(q => q.Dialect = Dialect.Celery);
        var (eta, before, after) = (At(TimeSpan.FromSeconds(1)), At(TimeSpan.FromSeconds(0.9)), At(TimeSpan.FromMinutes(10)));
        await SendAsync(stage, Celery(1, $"\"id\":\"late\",\"eta\":\"{eta}\",\"expires\":\"{before}\""), Celery(2, $"\"id\":\"fine\",\"eta\":\"{eta}\",\"expires\":\"{after}\""));
        Assert.Equal("expired", (await stage.JobAsync("late", JobState.Cancelled)).Header.Reason);
        var fine = await stage.JobAsync("fine", JobState.Completed);
        Assert.True(fine.Header.StartedAt >= fine.Header.Due, $"due {fine.Header.Due}, started {fine.Header.StartedAt}");
        Assert.Equal([2], stage.Orders.Numbers);
    }
}
