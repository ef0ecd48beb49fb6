using System.Diagnostics.Metrics;
using System.Text;

namespace Gristmill.Silo.Telemetry;

/// <summary>
/// Listens to meters and writes what they say in the Prometheus text format 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/). There is no package for it to be had. One per silo, for
/// /metrics; made at start so that counters count from then.
/// </summary>
internal sealed class PrometheusExporter : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>OpenTelemetry's default boundaries for durations in seconds, used where an instrument advises none.</summary>
    private static readonly double[] SecondsBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
    private static readonly double[] OtherBounds = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000];

    private readonly Lock _scrape = new();
    private readonly SortedDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);
    private readonly HashSet<string> _meters;
    private readonly MeterListener _listener = new();

    /// <param name="meters">The names of the meters to listen to.</param>
    public PrometheusExporter(params IEnumerable<string> meters)
    {
        _meters = [.. meters];
        _listener.InstrumentPublished = Publish;
        _listener.SetMeasurementEventCallback<byte>((i, value, tags, state) => Record(i, value, tags, state));
        _listener.SetMeasurementEventCallback<short>((i, value, tags, state) => Record(i, value, tags, state));
        _listener.SetMeasurementEventCallback<int>((i, value, tags, state) => Record(i, value, tags, state));
        _listener.SetMeasurementEventCallback<long>((i, value, tags, state) => Record(i, value, tags, state));
        _listener.SetMeasurementEventCallback<float>((i, value, tags, state) => Record(i, value, tags, state));
        _listener.SetMeasurementEventCallback<double>(Record);
        _listener.SetMeasurementEventCallback<decimal>((i, value, tags, state) => Record(i, (double)value, tags, state));
        _listener.Start();
    }

    /// <summary>Everything as it is now.</summary>
    public string Scrape()
    {
        lock (_scrape)
        {
            MetricFamily[] families;
            lock (_families)
            {
                families = [.. _families.Values];
            }

            foreach (var family in families.Where(f => f.IsObserved))
            {
                family.Forget();
            }

            try
            {
                _listener.RecordObservableInstruments();
            }
            catch (AggregateException)
            {
                // An instrument's callback failed; what the others say is still right.
            }

            var text = new StringBuilder(16 * 1024);
            foreach (var family in families)
            {
                family.Write(text);
            }

            return text.ToString();
        }
    }

    public void Dispose() => _listener.Dispose();

    private static void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        if (state is not MetricFamily family)
        {
            return;
        }

        if (instrument.IsObservable || IsGauge(instrument))
        {
            family.Set(value, tags);
        }
        else
        {
            family.Add(value, tags);
        }
    }

    private void Publish(Instrument instrument, MeterListener listener)
    {
        if (!_meters.Contains(instrument.Meter.Name))
        {
            return;
        }

        var type = TypeOf(instrument);
        var name = PrometheusNames.Family(instrument.Name, instrument.Unit, type);
        lock (_families)
        {
            if (!_families.TryGetValue(name, out var family))
            {
                _families[name] = family = new MetricFamily(name, instrument.Description, type, BoundsOf(instrument, type), instrument.IsObservable);
            }

            // One name has one type; what would contradict is left out, or the whole page would be invalid.
            if (family.Type == type && family.IsObserved == instrument.IsObservable)
            {
                listener.EnableMeasurementEvents(instrument, family);
            }
        }
    }

    private static PrometheusType TypeOf(Instrument instrument) => Kind(instrument) switch
    {
        "Counter" or "ObservableCounter" => PrometheusType.Counter,
        "Histogram" => PrometheusType.Histogram,
        _ => PrometheusType.Gauge,
    };

    private static bool IsGauge(Instrument instrument) => Kind(instrument) == "Gauge";

    /// <summary>Counter of Counter&lt;long&gt;: instruments have no other common mark.</summary>
    private static string Kind(Instrument instrument) => instrument.GetType().Name.Split('`')[0];

    private static IReadOnlyList<double> BoundsOf(Instrument instrument, PrometheusType type)
    {
        if (type != PrometheusType.Histogram)
        {
            return [];
        }

        return instrument switch
        {
            Instrument<double> { Advice.HistogramBucketBoundaries: { } advised } => [.. advised],
            Instrument<long> { Advice.HistogramBucketBoundaries: { } advised } => [.. advised.Select(b => (double)b)],
            Instrument<int> { Advice.HistogramBucketBoundaries: { } advised } => [.. advised.Select(b => (double)b)],
            Instrument<float> { Advice.HistogramBucketBoundaries: { } advised } => [.. advised.Select(b => (double)b)],
            _ => instrument.Unit == "s" ? SecondsBounds : OtherBounds,
        };
    }
}
