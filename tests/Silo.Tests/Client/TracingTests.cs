using System.Collections.Concurrent;
using System.Diagnostics;
using Gristmill.Client;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Client;

/// <summary>What a client tells those who trace it, and sends along with its jobs.</summary>
public sealed class TracingTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Enqueue_is_a_span_of_the_producer_and_its_context_goes_with_the_job()
    {
        using var spans = new Spans();
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        using var caller = new Activity("caller").SetIdFormat(ActivityIdFormat.W3C).Start();
        var handle = await fixture.Client.Queue("traced").EnqueueAsync(new Clip("s1", 1), cancellationToken: Stop);
        var span = spans.Single("send traced");
        var silo = await fixture.SiloAsync("traced");

        Assert.Equal((ActivityKind.Producer, caller.TraceId, caller.SpanId), (span.Kind, span.TraceId, span.ParentSpanId));
        Assert.Equal(span.Id, (await silo.Store.GetAsync(handle.Id, Stop))?.Header.TraceParent);
        Assert.Equal(("redis", "send", "traced", handle.Id), (span.GetTagItem("messaging.system"), span.GetTagItem("messaging.operation.type"), span.GetTagItem("messaging.destination.name"), span.GetTagItem("messaging.message.id")));
    }

    [Fact]
    public async Task EnqueueMany_is_one_span_that_counts_and_a_context_of_the_payload_is_left_alone()
    {
        using var spans = new Spans();
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        const string own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        var handles = await fixture.Client.Queue("batched").EnqueueManyAsync(
            [new EnqueueRequest("{}"u8.ToArray()), new EnqueueRequest(System.Text.Encoding.UTF8.GetBytes($$"""{"traceparent":"{{own}}"}"""))], Stop);
        var span = spans.Single("send batched");
        var silo = await fixture.SiloAsync("batched");

        Assert.Equal(2, span.GetTagItem("messaging.batch.message_count"));
        Assert.Equal((span.Id, own), ((await silo.Store.GetAsync(handles[0].Id, Stop))?.Header.TraceParent, (await silo.Store.GetAsync(handles[1].Id, Stop))?.Header.TraceParent));
    }

    [Fact]
    public async Task Enqueue_that_is_refused_is_a_span_with_the_error()
    {
        using var spans = new Spans();
        await using var fixture = await ClientFixture.CreateAsync(stores, StoreKind.Redis);
        await Assert.ThrowsAsync<InvalidJobException>(() => fixture.Client.Queue("refusing").EnqueueRawAsync("[]"u8.ToArray(), cancellationToken: Stop));
        var span = spans.Single("send refusing");
        Assert.Equal((ActivityStatusCode.Error, typeof(InvalidJobException).FullName), (span.Status, span.GetTagItem("error.type")));
    }

    /// <summary>Listens to the source of the client, as an exporter would.</summary>
    private sealed class Spans : IDisposable
    {
        private readonly ConcurrentQueue<Activity> _ended = new();
        private readonly ActivityListener _listener;

        public Spans()
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == "Gristmill",
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
                ActivityStopped = _ended.Enqueue,
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public Activity Single(string name) => Assert.Single(_ended, a => a.DisplayName == name);

        public void Dispose() => _listener.Dispose();
    }
}
