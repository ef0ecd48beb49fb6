using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Gristmill.Engine;

/// <summary>The spans of grain calls, by OpenTelemetry's conventions for remote procedure calls, and the figures of the cluster.</summary>
internal static class EngineTelemetry
{
    public static readonly ActivitySource Source = new("Gristmill");

    private static readonly Meter Meter = new("Gristmill");

    /// <summary>How many members the cluster has, as this silo sees it.</summary>
    public static readonly Gauge<int> Members = Meter.CreateGauge<int>("gristmill.silo.members", "{silo}", "Members of the cluster.");

    /// <summary>How many calls to other silos wait for their answers.</summary>
    public static readonly UpDownCounter<int> RemoteCallsInFlight =
        Meter.CreateUpDownCounter<int>("gristmill.remote_calls.in_flight", "{call}", "Calls to other silos that were sent and not answered.");

    private static readonly Histogram<double> RemoteCallDuration =
        Meter.CreateHistogram<double>("rpc.client.call.duration", "s", "How long calls to other silos took until they were answered.");

    public static void RemoteCallEnded(TimeSpan took) =>
        RemoteCallDuration.Record(took.TotalSeconds, new KeyValuePair<string, object?>("rpc.system", "gristmill"));

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
