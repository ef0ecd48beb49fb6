using System.Reflection;
using Gristmill.Grains.Gpu;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Silo;

/// <summary>
/// Tells the others that this silo is there, with what load, as often as leases are renewed; hears in the answer whether
/// the silo was asked to drain. Ends last, so that a silo that drains is seen until it has ended.
/// </summary>
internal sealed class SiloReporter(
    SiloIdentity silo, SiloLife life, SiloQueues queues, QueueMonitor monitor, GpuPool gpus, IGrainFactory grains, IRedisClient redis, IOptions<GristmillOptions> options, TimeProvider clock, ILogger<SiloReporter> log,
    ISiloFindings? findings = null)
    : BackgroundService
{
    private readonly SiloRegistry _registry = new(redis, options.Value.Service);
    private readonly DateTimeOffset _startedAt = clock.GetUtcNow();
    private bool _failed;

    /// <summary>The version of this build, without its commit.</summary>
    public static string Version { get; } =
        typeof(SiloReporter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await _registry.LeaveAsync(silo.Id, cancellationToken);
        }
        catch (Exception error) when (error is RedisException or OperationCanceledException)
        {
            // It is seen as lost for an hour then.
            log.LeaveFailed(error.Message);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.RenewSeconds), clock);
        try
        {
            do
            {
                await ReportAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo has ended.
        }
    }

    private async Task ReportAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await _registry.ReportAsync(await RecordAsync(), cancellationToken) && life.TakesWork)
            {
                log.DrainAsked();
                life.Drain();
            }

            _failed = false;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // Whatever it is, the silo must not end for it: the next report tries again.
            if (!_failed) log.ReportFailed(error.Message);
            _failed = true;
        }
    }

    private async Task<SiloRecord> RecordAsync()
    {
        var served = new List<SiloQueueRecord>();
        foreach (var queue in queues.All)
        {
            served.Add(new SiloQueueRecord(queue.Name, queue.Generation, queue.Capacity, queue.Executing, await TroubleAsync(queue))
            {
                WaitingFor = gpus.WhyWaiting(queue.Name).Word(),
                Options = queue.SharedOptions,
            });
        }

        return new SiloRecord
        {
            Id = silo.Id,
            Name = silo.Name,
            State = life.State,
            Version = Version,
            Engine = EngineName,
            Host = Environment.MachineName,
            Pid = Environment.ProcessId,
            StartedAt = _startedAt,
            LeaseSeconds = options.Value.LeaseSeconds,
            Labels = [.. options.Value.Labels],
            Queues = served,
            Gpus = gpus.Snapshot(),
            Completed = monitor.Completed,
            Dead = monitor.Dead,
            Findings = findings?.OwnRecords,
        };
    }

    private static string EngineName => typeof(IGrainFactory).Namespace!.StartsWith("Orleans", StringComparison.Ordinal) ? "Orleans" : "Redis";

    private async Task<string?> TroubleAsync(QueueRuntime queue)
    {
        try
        {
            return (await grains.GetGrain<IBridgeGrain>($"{queue.Name}@{silo.Name}").GetStatusAsync()).Trouble;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return error.Message;
        }
    }
}
