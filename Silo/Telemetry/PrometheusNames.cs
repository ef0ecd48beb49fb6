using System.Text;

namespace Gristmill.Silo.Telemetry;

/// <summary>
/// How OpenTelemetry's names become Prometheus' (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/):
/// what is no letter, digit, '_' or ':' becomes one '_', the unit is appended in words, and a counter ends with _total.
/// </summary>
internal static class PrometheusNames
{
    private static readonly Dictionary<string, string> Units = new(StringComparer.Ordinal)
    {
        ["d"] = "days", ["h"] = "hours", ["min"] = "minutes", ["s"] = "seconds", ["ms"] = "milliseconds",
        ["us"] = "microseconds", ["ns"] = "nanoseconds", ["By"] = "bytes", ["KiBy"] = "kibibytes", ["MiBy"] = "mebibytes",
        ["GiBy"] = "gibibytes", ["kBy"] = "kilobytes", ["MBy"] = "megabytes", ["m"] = "meters", ["V"] = "volts", ["A"] = "amperes",
        ["J"] = "joules", ["W"] = "watts", ["g"] = "grams", ["Cel"] = "celsius", ["Hz"] = "hertz", ["%"] = "percent",
    };

    /// <summary>The name of a metric's family.</summary>
    /// <param name="name">The instrument's.</param>
    /// <param name="unit">The instrument's, in UCUM; null for none.</param>
    /// <param name="type">What it is in Prometheus.</param>
    public static string Family(string name, string? unit, PrometheusType type)
    {
        var family = Clean(name, colons: true);
        var inWords = Unit(unit, type);
        if (type == PrometheusType.Counter && family.EndsWith("_total", StringComparison.Ordinal))
        {
            family = family[..^"_total".Length];
        }

        if (inWords.Length > 0 && !family.EndsWith("_" + inWords, StringComparison.Ordinal) && family != inWords)
        {
            family = $"{family}_{inWords}";
        }

        return type == PrometheusType.Counter ? family + "_total" : family;
    }

    public static string Label(string name) => Clean(name, colons: false);

    private static string Unit(string? unit, PrometheusType type)
    {
        if (string.IsNullOrEmpty(unit))
        {
            return "";
        }

        if (unit == "1")
        {
            return type == PrometheusType.Gauge ? "ratio" : "";
        }

        var parts = unit.Split('/', 2);
        var first = Word(parts[0]);
        if (parts.Length == 1)
        {
            return first;
        }

        // "foo/{bar}" says nothing after the slash, since annotations in braces are left out.
        var second = parts[1].StartsWith('{') ? "" : Units.TryGetValue(parts[1], out var word) ? word.TrimEnd('s') : Clean(parts[1], colons: false);
        return second.Length == 0 ? first : $"{first}_per_{second}".TrimStart('_');
    }

    private static string Word(string unit) => unit.StartsWith('{') ? "" : Units.TryGetValue(unit, out var word) ? word : Clean(unit, colons: false);

    private static string Clean(string name, bool colons)
    {
        var text = new StringBuilder(name.Length + 1);
        foreach (var c in name)
        {
            if (char.IsAsciiLetterOrDigit(c) || (colons && c == ':'))
            {
                text.Append(c);
            }
            else if (text.Length == 0 || text[^1] != '_')
            {
                text.Append('_');
            }
        }

        if (text.Length == 0 || char.IsAsciiDigit(text[0]))
        {
            text.Insert(0, '_');
        }

        return text.ToString();
    }
}

/// <summary>The types of the text format that are used here.</summary>
internal enum PrometheusType
{
    Counter,
    Gauge,
    Histogram,
}
