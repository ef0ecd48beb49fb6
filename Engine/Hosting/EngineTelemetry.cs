using System.Diagnostics;

namespace Gristmill.Engine;

/// <summary>The spans of grain calls, by OpenTelemetry's conventions for remote procedure calls.</summary>
internal static class EngineTelemetry
{
    public static readonly ActivitySource Source = new("Gristmill");

    public static Activity? StartCall(Call call, SiloAddress silo)
    {
        var span = Source.StartActivity(call.Method.Name, ActivityKind.Server, call.Parent);
        span?.SetTag("rpc.system", "gristmill");
        span?.SetTag("rpc.service", call.Method.Owner.Alias);
        span?.SetTag("rpc.method", call.Method.Alias);
        span?.SetTag("gristmill.grain", call.Target.ToString());
        span?.SetTag("gristmill.silo", silo.Name);
        return span;
    }
}
