namespace Gristmill.Silo.Telemetry;

/// <summary>What the default engine measures and traces by.</summary>
internal static class EngineTelemetry
{
    public static readonly IReadOnlyList<string> Meters = ["Gristmill.Engine"];

    public static readonly IReadOnlyList<string> Sources = ["Gristmill.Engine"];
}
