using System.Collections.Concurrent;
using Gristmill.Grains.Options;
using Gristmill.Grains.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Silo;

/// <summary>
/// Looks at the queues' numbers every few seconds: what gauges show, one line of statistics from time to time, and the
/// final statistics when the silo stops.
/// </summary>
internal sealed class QueueMonitor(SiloQueues queues, SiloIdentity silo, IGrainFactory grains, IOptions<GristmillOptions> options, TimeProvider clock, ILogger<QueueMonitor> log) : BackgroundService
{
    private static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(5);
    private const int Looks = 13;
    private readonly ConcurrentQueue<(long At, IReadOnlyList<QueueReading> Readings)> _history = new();
    private volatile IReadOnlyList<QueueReading> _readings = [];
    private long _startedAt;
    private long _completed;
    private long _failed;

    /// <summary>Jobs that this silo completed since its start.</summary>
    public long Completed => Interlocked.Read(ref _completed);

    /// <summary>Jobs that died on this silo since its start.</summary>
    public long Dead => Interlocked.Read(ref _failed);

    /// <summary>The last look at each queue.</summary>
    public IReadOnlyList<QueueReading> Readings => _readings;

    /// <summary>What happened to a queue per second, over the last minute; null before there were two looks at it.</summary>
    public QueueRates? RatesOf(string queue)
    {
        var looks = _history.ToArray();
        var seen = looks.Select(l => (l.At, Reading: l.Readings.FirstOrDefault(r => r.Queue == queue))).Where(l => l.Reading is not null).ToList();
        if (seen.Count < 2) return null;
        var over = clock.GetElapsedTime(seen[0].At, seen[^1].At).TotalSeconds;
        double Rate(string total) => Math.Round(Math.Max(0, seen[^1].Reading!.Totals[total] - seen[0].Reading!.Totals[total]) / over, 3);
        return new QueueRates(Rate("claimed"), Rate("enqueued"), Rate("completed"), Rate("dead"), Math.Round(over, 1));
    }

    /// <summary>Counts outcomes of this silo, for its statistics. From any thread.</summary>
    public void Count(int completed, int failed)
    {
        Interlocked.Add(ref _completed, completed);
        Interlocked.Add(ref _failed, failed);
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        _startedAt = clock.GetTimestamp();
        GristmillTelemetry.Observe(() => _readings);
        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        var (completed, failed) = (Interlocked.Read(ref _completed), Interlocked.Read(ref _failed));
        log.Final(completed + failed, completed, failed, Uptime());
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var saidAt = clock.GetTimestamp();
        var every = TimeSpan.FromSeconds(options.Value.StatisticsSeconds);
        using var timer = new PeriodicTimer(LookPeriod, clock);
        try
        {
            do
            {
                _readings = await LookAsync(stoppingToken);
                _history.Enqueue((clock.GetTimestamp(), _readings));
                while (_history.Count > Looks) _history.TryDequeue(out _);
                if (every <= TimeSpan.Zero || clock.GetElapsedTime(saidAt) < every) continue;
                saidAt = clock.GetTimestamp();
                Say();
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops.
        }
    }

    private async Task<IReadOnlyList<QueueReading>> LookAsync(CancellationToken cancellationToken)
    {
        var readings = new List<QueueReading>();
        foreach (var queue in queues.All)
        {
            try
            {
                readings.Add(await LookAsync(queue, cancellationToken));
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested)
            {
                // Numbers are for people: a record that cannot be read, or a list that is none, must not end the silo.
                log.LookFailed(queue.Name, error.Message);
            }
        }

        return readings;
    }

    private async Task<QueueReading> LookAsync(QueueRuntime queue, CancellationToken cancellationToken)
    {
        var counts = await queue.Store.CountAsync(cancellationToken);
        long listed = 0;
        foreach (var list in queue.Lists) listed += await queue.Store.LengthAsync(list.Name, cancellationToken);
        var bridge = await grains.GetGrain<IBridgeGrain>($"{queue.Name}@{silo.Name}").GetStatusAsync();
        var oldest = counts.OldestReady is { } at ? Math.Max(0, (counts.Now - at).TotalSeconds) : 0;
        return new QueueReading(
            queue.Name,
            [("listed", listed), ("queued", counts.Queued), ("scheduled", counts.Scheduled), ("deferred", counts.Deferred), ("retrying", counts.Retrying)],
            oldest, bridge.Running, counts.Dead, queue.Lists.Count, counts.Totals, bridge.Trouble);
    }

    private void Say()
    {
        foreach (var reading in _readings)
        {
            log.Statistics(reading.Queue, Waiting(reading), reading.Running, reading.Dead);
        }

        log.Totals(Interlocked.Read(ref _completed), Interlocked.Read(ref _failed), Uptime());
    }

    private static string Waiting(QueueReading reading)
    {
        var waiting = string.Join(", ", reading.Depths.Where(d => d.Count > 0).Select(d => $"{d.Count} {d.State}"));
        return waiting.Length == 0 ? "nothing" : waiting;
    }

    private string Uptime() => clock.GetElapsedTime(_startedAt) is var up && up.TotalDays >= 1 ? $"{up:d\\d\\ hh\\:mm\\:ss}" : $"{up:hh\\:mm\\:ss}";
}
