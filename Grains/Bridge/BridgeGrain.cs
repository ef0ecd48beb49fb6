using Gristmill.Grains.Jobs;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Bridge;

/// <summary>
/// Hosts the <see cref="Bridge"/> of one queue on one silo: gives it the grain's turns and timers, starts it again when it
/// fails, and ends it with the activation. Called again and again by <see cref="BridgeHost"/>.
/// </summary>
[PreferLocalPlacement]
internal sealed class BridgeGrain(
    SiloQueues queues, SiloIdentity silo, IOptions<GristmillOptions> options, IRedisClient redis, RunningJobs jobs, QueueMonitor monitor, TimeProvider clock, Random random, ILogger<BridgeGrain> log)
    : Grain, IBridgeGrain
{
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromMilliseconds(100);
    private Bridge? _bridge;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var key = this.GetPrimaryKeyString();
        var at = key.LastIndexOf('@');
        if (at < 0 || key[(at + 1)..] != silo.Name)
        {
            throw new GristmillException(GristmillErrorKind.Refused, $"The bridge '{key}' runs on the silo that it names only; this is '{silo.Name}'.");
        }

        if (queues.Find(key[..at]) is null)
        {
            throw new GristmillException(GristmillErrorKind.NotFound, $"The silo '{silo.Name}' has no queue '{key[..at]}'.");
        }

        var renew = TimeSpan.FromSeconds(options.Value.RenewSeconds);
        this.RegisterGrainTimer(RenewAsync, new GrainTimerCreationOptions(TimeSpan.Zero, renew) { Interleave = true });
        this.RegisterGrainTimer(SweepAsync, new GrainTimerCreationOptions(SweepPeriod, SweepPeriod) { Interleave = true });
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_bridge is { } bridge) await bridge.DisposeAsync();
    }

    public async Task RunAsync()
    {
        if (_bridge?.Failure is { } failure)
        {
            var failed = _bridge;
            _bridge = null;
            Queue.History.BridgeFailed(failure);
            await failed.DisposeAsync();
        }

        if (_bridge is not null) return;
        _bridge = Create();
        _bridge.Start();
    }

    public Task StopAsync(TimeSpan limit)
    {
        _bridge?.BeginStop(limit);
        return Task.CompletedTask;
    }

    public Task<BridgeStatus> GetStatusAsync() => Task.FromResult(_bridge?.Status ?? new BridgeStatus(QueueName, 0, 0, true, null));

    private string QueueName => this.GetPrimaryKeyString() is var key ? key[..key.LastIndexOf('@')] : string.Empty;

    private QueueRuntime Queue => queues.Find(QueueName)!;

    private Bridge Create()
    {
        var services = new BridgeServices(
            redis, silo, options.Value, jobs, clock, random,
            job => _ = GrainFactory.GetGrain<IJobGrain>(job).AttachAsync(),
            name => _ = GrainFactory.GetGrain<IDeadLetterGrain>(name).SendOutboxAsync(),
            session => _ = GrainFactory.GetGrain<ISessionGrain>(session).FinishAsync(),
            monitor.Count);
        return new Bridge(Queue, services, log);
    }

    private Task RenewAsync(CancellationToken cancellationToken) => _bridge?.RenewAsync(cancellationToken) ?? Task.CompletedTask;

    private Task SweepAsync(CancellationToken cancellationToken)
    {
        _bridge?.Sweep();
        return Task.CompletedTask;
    }
}
