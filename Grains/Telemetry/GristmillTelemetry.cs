using System.Diagnostics;
using System.Diagnostics.Metrics;
using Gristmill.Store;

namespace Gristmill.Grains.Telemetry;

/// <summary>
/// The activity source and the meter "Gristmill", after OpenTelemetry's semantic conventions for messaging; what they
/// have no name for begins with gristmill. Instruments are recorded per batch where a batch can share it.
/// </summary>
internal static class GristmillTelemetry
{
    public const string Name = "Gristmill";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);

    /// <summary>Items claimed off lists.</summary>
    public static readonly Counter<long> Consumed = Meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}", "Items claimed off lists.");

    /// <summary>How long handlers ran.</summary>
    public static readonly Histogram<double> ProcessDuration = Meter.CreateHistogram<double>("messaging.process.duration", "s", "How long handlers ran.");

    /// <summary>From enqueue to the handler's start.</summary>
    public static readonly Histogram<double> Wait = Meter.CreateHistogram<double>("gristmill.job.wait", "s", "From enqueueing to the start of the handler.");

    /// <summary>Jobs by outcome.</summary>
    public static readonly Counter<long> Finished = Meter.CreateCounter<long>("gristmill.jobs.finished", "{job}", "Jobs that ended, by outcome.");

    /// <summary>Attempts that will be made again.</summary>
    public static readonly Counter<long> Retries = Meter.CreateCounter<long>("gristmill.job.retries", "{retry}", "Attempts that failed and will be made again.");

    /// <summary>Results and settlements that the store refused since the lease was lost.</summary>
    public static readonly Counter<long> LeasesLost = Meter.CreateCounter<long>("gristmill.leases.lost", "{lease}", "Running jobs whose lease was lost.");

    /// <summary>Claims by what they brought.</summary>
    public static readonly Counter<long> Claims = Meter.CreateCounter<long>("gristmill.bridge.claims", "{claim}", "Calls for work, by what they brought.");

    /// <summary>The tag of a queue.</summary>
    public static KeyValuePair<string, object?> Queue(string name) => new("messaging.destination.name", name);

    /// <summary>The span of one attempt, linked to the producer's trace; null when nobody listens.</summary>
    public static Activity? StartProcess(string queue, JobHeader header, string id, int attempt)
    {
        if (!Source.HasListeners()) return null;
        var linked = ActivityContext.TryParse(header.TraceParent, header.TraceState, isRemote: true, out var producer);
        var activity = Source.StartActivity(
            $"process {queue}", ActivityKind.Consumer, linked ? producer : default, links: linked ? [new ActivityLink(producer)] : null);
        activity?.SetTag("messaging.system", "redis");
        activity?.SetTag("messaging.operation.type", "process");
        activity?.SetTag("messaging.operation.name", "process");
        activity?.SetTag("messaging.destination.name", queue);
        activity?.SetTag("messaging.message.id", id);
        activity?.SetTag("gristmill.job.attempt", attempt);
        if (header.SessionId is { } session) activity?.SetTag("gristmill.session.id", session);
        return activity;
    }

    /// <summary>The span of one claim; null when nobody listens.</summary>
    public static Activity? StartReceive(string list)
    {
        var activity = Source.HasListeners() ? Source.StartActivity($"receive {list}", ActivityKind.Client) : null;
        activity?.SetTag("messaging.system", "redis");
        activity?.SetTag("messaging.operation.type", "receive");
        activity?.SetTag("messaging.destination.name", list);
        return activity;
    }

    /// <summary>Jobs that ran out of device memory.</summary>
    public static readonly Counter<long> GpuOutOfMemory = Meter.CreateCounter<long>("gristmill.gpu.oom", "{job}", "Attempts that ran out of device memory.");

    /// <summary>Models loaded onto devices.</summary>
    public static readonly Counter<long> ModelLoads = Meter.CreateCounter<long>("gristmill.model.loads", "{load}", "Models loaded onto devices.");

    /// <summary>Registers the gauges of a silo's devices.</summary>
    public static void ObserveGpus(Func<IReadOnlyList<SiloGpuRecord>> read)
    {
        IEnumerable<Measurement<long>> Of(Func<SiloGpuRecord, long> value) => read().Select(d => new Measurement<long>(value(d), new KeyValuePair<string, object?>("gpu", d.Name)));
        Meter.CreateObservableGauge("gristmill.gpu.slots.used", () => Of(d => d.Running), "{job}", "Workers on the device that run jobs.");
        Meter.CreateObservableGauge("gristmill.gpu.memory.used", () => Of(d => d.LeasedMiB * 1024L * 1024), "By", "Device memory leased to workers.");
    }

    /// <summary>Registers the gauges of a silo's queues: what they show is read from the last look at the store.</summary>
    public static void Observe(Func<IEnumerable<QueueReading>> read)
    {
        IEnumerable<Measurement<long>> By(Func<QueueReading, IEnumerable<(string State, long Count)>> select) =>
            read().SelectMany(q => select(q).Select(s => new Measurement<long>(s.Count, Queue(q.Queue), new KeyValuePair<string, object?>("state", s.State))));

        Meter.CreateObservableGauge("gristmill.queue.depth", () => By(q => q.Depths), "{job}", "Jobs and list items that wait, by state.");
        Meter.CreateObservableGauge("gristmill.queue.oldest_age", () => read().Select(q => new Measurement<double>(q.OldestAge, Queue(q.Queue))), "s", "Age of the oldest ready job.");
        Meter.CreateObservableGauge("gristmill.jobs.running", () => read().Select(q => new Measurement<long>(q.Running, Queue(q.Queue))), "{job}", "Jobs whose handler runs on this silo.");
        Meter.CreateObservableGauge("gristmill.dead_letters", () => read().Select(q => new Measurement<long>(q.Dead, Queue(q.Queue))), "{job}", "Dead letters.");
    }
}

/// <summary>A look at a queue, for gauges and the doctor.</summary>
internal sealed record QueueReading(string Queue, IReadOnlyList<(string State, long Count)> Depths, double OldestAge, long Running, long Dead, int Lists, IReadOnlyDictionary<string, long> Totals, string? Trouble);
