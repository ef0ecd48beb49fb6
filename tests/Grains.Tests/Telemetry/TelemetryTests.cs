using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Gristmill.Grains.Telemetry;
using Gristmill.Grains.Tests.Bridge;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.Telemetry;

/// <summary>Spans, counters and log lines of jobs. Listeners are the process's: they keep to the ids of their own test.</summary>
public sealed class TelemetryTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Parent = $"00-{TraceId}-00f067aa0ba902b7-01";

    [Fact]
    public async Task Process_span_belongs_to_the_trace_of_the_producer()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s.Name == GristmillTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        await stage.StartSiloAsync();
        await stage.PushAsync($$"""{"n":1,"job_id":"traced","session_id":"s9","do":"fail","times":1,"traceparent":"{{Parent}}"}""");
        await stage.JobAsync("traced", JobState.Completed);
        var mine = await Soon.MatchesAsync(
            "a span for each attempt", () => Task.FromResult(spans.Where(s => s.TraceId.ToHexString() == TraceId).ToList()), s => s.Count == 2);
        Assert.All(mine, span =>
        {
            Assert.Equal(("process grist", ActivityKind.Consumer, "00f067aa0ba902b7"), (span.DisplayName, span.Kind, span.ParentSpanId.ToHexString()));
            Assert.Equal(TraceId, Assert.Single(span.Links).Context.TraceId.ToHexString());
            Assert.Equal(
                ("redis", "process", "grist", "traced", "s9"),
                (Tag(span, "messaging.system"), Tag(span, "messaging.operation.type"), Tag(span, "messaging.destination.name"), Tag(span, "messaging.message.id"), Tag(span, "gristmill.session.id")));
        });
        Assert.Equal([1, 2], mine.Select(s => s.GetTagItem("gristmill.job.attempt")));
        Assert.Equal([ActivityStatusCode.Error, ActivityStatusCode.Unset], mine.Select(s => s.Status));
        Assert.Equal("Gristmill.Grains.Handlers.JobFailedException", Tag(mine[0], "error.type"));
        Assert.Equal(mine.Select(s => s.Id), stage.Orders.Calls.Select(c => c.Job.TraceParent));
        Assert.Contains(spans, s => s.DisplayName == $"receive {stage.List}" && s.Kind == ActivityKind.Client);
    }

    [Fact]
    public async Task Counters_agree_with_what_happened()
    {
        var queue = $"counted{Environment.ProcessId}";
        var sums = new ConcurrentDictionary<string, double>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Name == GristmillTelemetry.Name) l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Add(sums, queue, i.Name, value, tags));
        listener.SetMeasurementEventCallback<double>((i, _, tags, _) => Add(sums, queue, i.Name, 1, tags));
        listener.Start();
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        await stage.StartSiloAsync(silo: o => o.Queues[queue] = Own(stage));
        await stage.PushToAsync(
            stage.List + ":counted", """{"n":1}""", """{"n":2,"do":"fail","times":2}""", """{"n":3,"do":"fatal"}""", "poison", """{"n":4,"job_id":"c","do":"hang"}""", """{"n":5}""");
        var store = new QueueStore(stage.Redis, new RedisKeys(stage.Service, 0, queue));
        await stage.Orders.CalledAsync(4);
        await store.CancelAsync(["c"], "test", TimeSpan.FromHours(1), TestContext.Current.CancellationToken);
        await Soon.TrueAsync("all have ended", async () => (await store.CountAsync()).Totals is var t && t["completed"] + t["dead"] + t["cancelled"] == 6);
        Dictionary<string, double> expected = new()
        {
            ["messaging.client.consumed.messages"] = 6,
            ["gristmill.jobs.finished completed"] = 3,
            ["gristmill.jobs.finished dead"] = 2,
            ["gristmill.jobs.finished cancelled"] = 1,
            ["gristmill.job.retries"] = 2,
            ["messaging.process.duration"] = 7,
            ["gristmill.job.wait"] = 7,
        };
        await Soon.MatchesAsync(
            string.Join(", ", expected), () => Task.FromResult(string.Join(", ", expected.Keys.Select(k => $"[{k}, {sums.GetValueOrDefault(k)}]"))), seen => seen == string.Join(", ", expected));
        Assert.False(sums.ContainsKey("gristmill.leases.lost"));
    }

    [Fact]
    public void Without_a_listener_no_activity_is_made()
    {
        // Other tests of this process may listen just now; only then is this one without meaning.
        using var probe = new ActivitySource("probe");
        if (GristmillTelemetry.StartReceive("list") is { } listened)
        {
            listened.Dispose();
            return;
        }

        var header = new JobHeader { TraceParent = Parent, SessionId = "s" };
        GristmillTelemetry.StartProcess("q", header, "id", 1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            Assert.Null(GristmillTelemetry.StartProcess("q", header, "id", 1));
            Assert.Null(GristmillTelemetry.StartReceive("list"));
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task Log_lines_of_a_job_carry_what_it_is()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var silo = await stage.StartSiloAsync();
        await stage.PushAsync($$"""{"n":1,"job_id":"logged","session_id":"s3","do":"log","traceparent":"{{Parent}}"}""");
        await stage.JobAsync("logged", JobState.Completed);
        var line = Assert.Single(silo.Log.Lines, l => l.Text.StartsWith("from the handler", StringComparison.Ordinal));
        foreach (var field in new[] { "Queue=grist", "JobId=logged", "SessionId=s3", "Attempt=1", $"TraceId={TraceId}" }) Assert.Contains(field, line.Text, StringComparison.Ordinal);
    }

    private static Options.QueueOptions Own(Stage stage)
    {
        var options = new Options.QueueOptions { List = stage.List + ":counted", Handler = "told" };
        options.Retry.BaseSeconds = 0.05;
        return options;
    }

    private static string? Tag(Activity span, string name) => span.GetTagItem(name)?.ToString();

    private static void Add(ConcurrentDictionary<string, double> sums, string queue, string name, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var (mine, outcome) = (false, "");
        foreach (var tag in tags)
        {
            mine |= tag is { Key: "messaging.destination.name", Value: string destination } && destination == queue;
            if (tag.Key == "outcome") outcome = $" {tag.Value}";
        }

        if (mine) sums.AddOrUpdate(name + outcome, value, (_, sum) => sum + value);
    }
}
