using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Gristmill.Silo.Telemetry;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Telemetry;

public sealed partial class PrometheusExporterTests : IDisposable
{
    private readonly Meter _meter = new($"test-{Guid.NewGuid():N}");
    private readonly PrometheusExporter _exporter;

    public PrometheusExporterTests() => _exporter = new PrometheusExporter(_meter.Name);

    public void Dispose()
    {
        _exporter.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void Counter_is_summed_per_label_set()
    {
        var counter = _meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}", "Messages.");
        counter.Add(2, new KeyValuePair<string, object?>("queue.name", "asr"));
        counter.Add(3, new KeyValuePair<string, object?>("queue.name", "asr"));
        Assert.Equal(
            "# HELP messaging_client_consumed_messages_total Messages.\n# TYPE messaging_client_consumed_messages_total counter\n" +
            "messaging_client_consumed_messages_total{queue_name=\"asr\"} 5\n",
            _exporter.Scrape());
    }

    [Fact]
    public void Histogram_has_cumulative_buckets_sum_and_count()
    {
        var histogram = _meter.CreateHistogram("job.wait", "s", null, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1, 2] });
        foreach (var value in (double[])[0.25, 0.5, 1.5, 9])
        {
            histogram.Record(value);
        }

        Assert.Equal(
            "# TYPE job_wait_seconds histogram\njob_wait_seconds_bucket{le=\"0.5\"} 2\njob_wait_seconds_bucket{le=\"1\"} 2\n" +
            "job_wait_seconds_bucket{le=\"2\"} 3\njob_wait_seconds_bucket{le=\"+Inf\"} 4\njob_wait_seconds_sum 11.25\njob_wait_seconds_count 4\n",
            _exporter.Scrape());
    }

    [Fact]
    public void Observable_series_that_is_no_longer_told_vanishes()
    {
        var depths = new Dictionary<string, int> { ["a"] = 4, ["b"] = 5 };
        _meter.CreateObservableGauge("depth", () => depths.Select(d => new Measurement<int>(d.Value, new KeyValuePair<string, object?>("q", d.Key))));
        Assert.Contains("depth{q=\"b\"} 5\n", _exporter.Scrape(), StringComparison.Ordinal);
        depths.Remove("b");
        Assert.Equal("# TYPE depth gauge\ndepth{q=\"a\"} 4\n", _exporter.Scrape());
    }

    [Fact]
    public void Up_down_counter_and_gauge_are_gauges()
    {
        var running = _meter.CreateUpDownCounter<int>("jobs.running");
        running.Add(3);
        running.Add(-1);
        var memory = _meter.CreateGauge<double>("memory", "By");
        memory.Record(7);
        memory.Record(1.5);
        Assert.Equal("# TYPE jobs_running gauge\njobs_running 2\n# TYPE memory_bytes gauge\nmemory_bytes 1.5\n", _exporter.Scrape());
    }

    [Fact]
    public void Label_values_are_escaped()
    {
        _meter.CreateCounter<int>("c").Add(1, new KeyValuePair<string, object?>("p", "a\\b\"c\nd"));
        Assert.Contains("c_total{p=\"a\\\\b\\\"c\\nd\"} 1\n", _exporter.Scrape(), StringComparison.Ordinal);
    }

    [Fact]
    public void Label_sets_beyond_the_bound_are_counted_together()
    {
        var counter = _meter.CreateCounter<int>("c");
        for (var i = 0; i < MetricFamily.MostSeries + 500; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("id", i));
        }

        var page = _exporter.Scrape();
        Assert.Contains("c_total{otel_metric_overflow=\"true\"} 500\n", page, StringComparison.Ordinal);
        Assert.Equal(MetricFamily.MostSeries + 2, page.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void Callback_that_fails_does_not_hide_the_others()
    {
        _meter.CreateObservableGauge("bad", new Func<int>(() => throw new InvalidOperationException()));
        _meter.CreateObservableGauge("good", () => 1);
        Assert.Equal("# TYPE good gauge\ngood 1\n", _exporter.Scrape());
    }

    [Theory]
    [InlineData("a.b-c", "s", "Counter", "a_b_c_seconds_total")]
    [InlineData("requests.total", null, "Counter", "requests_total")]
    [InlineData("wait.seconds", "s", "Histogram", "wait_seconds")]
    [InlineData("used", "1", "Gauge", "used_ratio")]
    [InlineData("used", "1", "Counter", "used_total")]
    [InlineData("rate", "By/s", "Gauge", "rate_bytes_per_second")]
    [InlineData("rate", "{job}/s", "Gauge", "rate_per_second")]
    [InlineData("5xx..count", "{x}", "Gauge", "_5xx_count")]
    public void Name_is_mapped_as_opentelemetry_says(string name, string? unit, string type, string expected) =>
        Assert.Equal(expected, PrometheusNames.Family(name, unit, Enum.Parse<PrometheusType>(type)));

    [Fact]
    public void Runtime_metrics_are_a_page_that_parses()
    {
        using var exporter = new PrometheusExporter("System.Runtime");
        GC.Collect();
        var lines = exporter.Scrape().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains(lines, l => l.StartsWith("dotnet_gc_collections_total{", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("dotnet_process_cpu_time_seconds_total{", StringComparison.Ordinal));
        Assert.All(lines, line => Assert.Matches(Line(), line));
    }

    [Fact]
    public async Task Page_passes_promtool()
    {
        _meter.CreateCounter<long>("jobs.finished", "{job}", "Jobs by outcome.").Add(1, new KeyValuePair<string, object?>("outcome", "completed"));
        _meter.CreateHistogram<double>("job.wait", "s", "Waiting.").Record(0.2);
        _meter.CreateObservableGauge("queue.depth", () => 3, "{job}", "Depth.");
        var info = new ProcessStartInfo("promtool", ["check", "metrics"]) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true };
        Tools.Require(Tools.Promtool);
        using var promtool = Process.Start(info)!;
        await promtool.StandardInput.WriteAsync(_exporter.Scrape().AsMemory(), TestContext.Current.CancellationToken);
        promtool.StandardInput.Close();
        var said = await promtool.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken) +
            await promtool.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await promtool.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(promtool.ExitCode == 0, said);
        Assert.Equal("", said);
    }

    [GeneratedRegex("""^(# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .+|[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\[\\"n])*",?)*\})? (-?[0-9.]+(E[+-]?[0-9]+)?|[+-]Inf|NaN))$""")]
    private static partial Regex Line();
}
