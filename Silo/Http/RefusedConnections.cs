using System.Diagnostics.Metrics;
using Gristmill.Grains.Options;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Http;

/// <summary>
/// Says that connections are refused, at most once a minute with how many: the server itself says it of each, and who floods a
/// silo with connections would flood its log too. Counted by the server's own meter.
/// </summary>
internal sealed partial class RefusedConnections : IHostedService, IDisposable
{
    /// <summary>The category of the server that says it of each; of its errors it still tells.</summary>
    public const string Category = "Microsoft.AspNetCore.Server.Kestrel.Connections";

    private const string Meter = "Microsoft.AspNetCore.Server.Kestrel";
    private const string Instrument = "kestrel.rejected_connections";
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private readonly MeterListener _listener = new();
    private readonly Lock _gate = new();
    private readonly int _most;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private long _refused;
    private long? _saidAt;

    public RefusedConnections(IOptions<GristmillOptions> options, IMeterFactory meters, TimeProvider clock, ILoggerFactory loggers)
    {
        (_most, _clock, _log) = (options.Value.Api.MaxConnections, clock, loggers.CreateLogger("Gristmill.Http"));

        // Several hosts in one process have a meter each, of this name.
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == Instrument && instrument.Meter.Name == Meter && instrument.Meter.Scope == meters) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((_, count, _, _) => Refused(count));
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _listener.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _listener.Dispose();

    private void Refused(long count)
    {
        long refused;
        lock (_gate)
        {
            _refused += count;
            if (_saidAt is { } at && _clock.GetElapsedTime(at) < Period) return;
            _saidAt = _clock.GetTimestamp();
            (refused, _refused) = (_refused, 0);
        }

        LogRefused(_most, refused);
    }

    [LoggerMessage(1221, LogLevel.Warning, "There are {Most} connections, as many as may be (Gristmill:Api:MaxConnections); refused since this was said last: {Count}.")]
    private partial void LogRefused(int most, long count);
}
