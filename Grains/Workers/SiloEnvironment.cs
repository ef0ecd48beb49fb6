namespace Gristmill.Grains.Workers;

/// <summary>Which variables of the environment are the silo's own: they say where Redis and telemetry are, with their passwords, and what keys open.</summary>
internal static class SiloEnvironment
{
    // The prefixes that .NET hosts take away before they read the rest as configuration.
    private static readonly string[] HostPrefixes = ["DOTNET_", "ASPNETCORE_"];

    private static readonly string[] Names =
    [
        "REDIS_URL", "REDISCLI_AUTH",
        "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
    ];

    private static readonly string[] Prefixes = ["Gristmill__", "Gristmill:", "GRISTMILL_API", "Kestrel__"];

    /// <summary>Whether a silo reads its options, the address of Redis or a secret of its own from a variable of this name.</summary>
    public static bool Configures(string name)
    {
        var prefix = HostPrefixes.FirstOrDefault(p => name.StartsWith(p, StringComparison.OrdinalIgnoreCase));
        var option = prefix is null ? name : name[prefix.Length..];
        return Names.Contains(option, StringComparer.OrdinalIgnoreCase) || Prefixes.Any(p => option.StartsWith(p, StringComparison.OrdinalIgnoreCase));
    }
}
