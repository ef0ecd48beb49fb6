using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Gristmill.Silo.Telemetry;

/// <summary>
/// Sends traces, metrics and logs by OTLP when OTEL_EXPORTER_OTLP_ENDPOINT (or one of its per-signal sisters) is set, by
/// the SDK's own builders; all other OTEL_* variables are read by the SDK (protocol, headers, sampler, service name). Holds
/// the /metrics exporter too. A hosted service that is added first, so that it stops last and sends what others say at
/// their end.
/// </summary>
internal sealed class TelemetryExport : IHostedService, IDisposable
{
    /// <summary>Whom /metrics and OTLP listen to.</summary>
    public static readonly IReadOnlyList<string> Meters = ["Gristmill", .. EngineTelemetry.Meters, "System.Runtime"];

    private const int FlushMilliseconds = 5000;
    private static readonly string[] Endpoints =
        ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"];

    private readonly TracerProvider? _traces;
    private readonly MeterProvider? _metrics;

    public TelemetryExport(IConfiguration configuration, string siloName)
    {
        if (!IsWanted(configuration))
        {
            return;
        }

        _traces = Sdk.CreateTracerProviderBuilder()
            .ConfigureServices(services => services.AddSingleton(configuration))
            .ConfigureResource(resource => Describe(resource, siloName))
            .AddSource(["Gristmill", .. EngineTelemetry.Sources])
            .AddOtlpExporter()
            .Build();
        _metrics = Sdk.CreateMeterProviderBuilder()
            .ConfigureServices(services => services.AddSingleton(configuration))
            .ConfigureResource(resource => Describe(resource, siloName))
            .AddMeter([.. Meters])
            .AddOtlpExporter()
            .Build();
    }

    /// <summary>Whether a collector is named.</summary>
    public static bool IsWanted(IConfiguration configuration) => Endpoints.Any(name => !string.IsNullOrEmpty(configuration[name]));

    /// <summary>Adds the log of the host, when a collector is named. The host disposes the provider, which sends what is left.</summary>
    public static void AddLogs(ILoggingBuilder logging, IConfiguration configuration, string siloName)
    {
        if (IsWanted(configuration))
        {
            logging.AddOpenTelemetry(options =>
            {
                options.IncludeScopes = true;
                options.IncludeFormattedMessage = true;
                options.SetResourceBuilder(Describe(ResourceBuilder.CreateDefault(), siloName));
                options.AddOtlpExporter();
            });
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sends what is left; a collector that does not answer holds the end up for 5 s at most.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Task.WhenAll(
        Task.Run(() => _traces?.Shutdown(FlushMilliseconds), CancellationToken.None),
        Task.Run(() => _metrics?.Shutdown(FlushMilliseconds), CancellationToken.None));

    public void Dispose()
    {
        _traces?.Dispose();
        _metrics?.Dispose();
    }

    /// <summary>OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over the default name.</summary>
    private static ResourceBuilder Describe(ResourceBuilder resource, string siloName) => resource
        .AddService("gristmill", serviceVersion: typeof(TelemetryExport).Assembly.GetName().Version?.ToString(3), serviceInstanceId: siloName)
        .AddEnvironmentVariableDetector();
}
