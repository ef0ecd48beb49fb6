using System.Globalization;
using System.Text;

namespace Gristmill.Silo.Telemetry;

/// <summary>
/// All series of one name: the state behind one block of the exposition. Written from any thread, read at a scrape.
/// Bounded: beyond <see cref="MostSeries"/>, further label sets are counted in one series, as OpenTelemetry's SDK does it.
/// </summary>
internal sealed class MetricFamily(string name, string? help, PrometheusType type, IReadOnlyList<double> bounds, bool observed)
{
    public const int MostSeries = 2000;
    private const string Overflow = "otel_metric_overflow=\"true\"";

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, MetricSeries> _series = new(StringComparer.Ordinal);
    private readonly string _head = Head(name, help, type);

    public PrometheusType Type => type;

    /// <summary>Whether its instruments are asked at each scrape, rather than telling by themselves.</summary>
    public bool IsObserved => observed;

    /// <summary>A counted amount or a histogram's value.</summary>
    public void Add(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = Labels(tags);
        lock (_gate)
        {
            SeriesOf(labels).Add(value, bounds);
        }
    }

    /// <summary>The value as it is now.</summary>
    public void Set(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = Labels(tags);
        lock (_gate)
        {
            SeriesOf(labels).Set(value);
        }
    }

    /// <summary>Before observable instruments are asked: what they no longer tell shall vanish.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _series.Clear();
        }
    }

    public void Write(StringBuilder text)
    {
        lock (_gate)
        {
            if (_series.Count == 0)
            {
                return;
            }

            text.Append(_head);
            foreach (var (labels, series) in _series)
            {
                series.Write(text, name, labels, type == PrometheusType.Histogram ? bounds : null);
            }
        }
    }

    private static string Head(string name, string? help, PrometheusType type)
    {
        var escaped = (help ?? "").Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        var helpLine = escaped.Length == 0 ? "" : $"# HELP {name} {escaped}\n";
        return $"{helpLine}# TYPE {name} {type.ToString().ToLowerInvariant()}\n";
    }

    private MetricSeries SeriesOf(string labels)
    {
        if (_series.TryGetValue(labels, out var series))
        {
            return series;
        }

        labels = _series.Count < MostSeries ? labels : Overflow;
        if (!_series.TryGetValue(labels, out series))
        {
            _series[labels] = series = new MetricSeries(type == PrometheusType.Histogram ? bounds.Count + 1 : 0);
        }

        return series;
    }

    /// <summary>Labels in order of their names; names that become the same keep all their values, as the mapping asks for.</summary>
    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            return "";
        }

        var byName = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in tags)
        {
            var label = PrometheusNames.Label(key);
            var text = value is bool flag ? (flag ? "true" : "false") : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
            byName[label] = byName.TryGetValue(label, out var other) ? $"{other};{text}" : text;
        }

        return string.Join(',', byName.Select(l => $"{l.Key}=\"{Escape(l.Value)}\""));
    }

    private static string Escape(string value) => value
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}

/// <summary>One series: a number, or a histogram's buckets.</summary>
internal sealed class MetricSeries(int buckets)
{
    private readonly long[] _counts = new long[buckets];
    private double _value;
    private long _count;

    public void Set(double value) => _value = value;

    public void Add(double value, IReadOnlyList<double> bounds)
    {
        _value += value;
        if (buckets == 0)
        {
            return;
        }

        _count++;
        var bucket = 0;
        while (bucket < bounds.Count && value > bounds[bucket])
        {
            bucket++;
        }

        _counts[bucket]++;
    }

    public void Write(StringBuilder text, string name, string labels, IReadOnlyList<double>? bounds)
    {
        if (bounds is null)
        {
            Line(text, name, labels, Number(_value));
            return;
        }

        var below = 0L;
        for (var i = 0; i <= bounds.Count; i++)
        {
            below += _counts[i];
            var le = $"le=\"{(i < bounds.Count ? Number(bounds[i]) : "+Inf")}\"";
            Line(text, name + "_bucket", labels.Length == 0 ? le : $"{labels},{le}", Number(below));
        }

        Line(text, name + "_sum", labels, Number(_value));
        Line(text, name + "_count", labels, Number(_count));
    }

    private static void Line(StringBuilder text, string name, string labels, string value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(value).Append('\n');
    }

    private static string Number(double value) => double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : value.ToString("R", CultureInfo.InvariantCulture);
}
