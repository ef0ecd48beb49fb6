namespace Gristmill.Silo.Telemetry;

/// <summary>What the host calls: everything of telemetry that leaves the process.</summary>
internal static class TelemetryRegistration
{
    /// <summary>Adds the exporters. Call before other hosted services are added: they are stopped in reverse order.</summary>
    public static void AddGristmillTelemetry(this IHostApplicationBuilder builder, string siloName)
    {
        var configuration = builder.Configuration;
        TelemetryExport.AddLogs(builder.Logging, configuration, siloName);
        builder.Services.AddSingleton(_ => new PrometheusExporter(TelemetryExport.Meters));
        builder.Services.AddHostedService(services =>
        {
            // Made with the host, so that /metrics counts from its start and not from the first scrape.
            _ = services.GetRequiredService<PrometheusExporter>();
            return new TelemetryExport(configuration, siloName);
        });
    }

    /// <summary>GET /metrics: the Prometheus text format 0.0.4.</summary>
    public static RouteHandlerBuilder MapGristmillMetrics(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/metrics", (PrometheusExporter exporter) => Results.Text(exporter.Scrape(), PrometheusExporter.ContentType));
}
