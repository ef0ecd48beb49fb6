namespace Gristmill.Silo.Telemetry;

/// <summary>What Orleans measures and traces by.</summary>
internal static class EngineTelemetry
{
    public static readonly IReadOnlyList<string> Meters = ["Microsoft.Orleans"];

    /// <summary>The calls of grains and what the runtime does for them (activation, placement, storage).</summary>
    public static readonly IReadOnlyList<string> Sources =
        ["Microsoft.Orleans.Application", "Microsoft.Orleans.Runtime", "Microsoft.Orleans.Lifecycle", "Microsoft.Orleans.Storage"];
}
