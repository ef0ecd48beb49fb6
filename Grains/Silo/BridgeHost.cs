using Gristmill.Grains.Gpu;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Options;
using Gristmill.Grains.Workers;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Silo;

/// <summary>
/// Starts what runs the queues' jobs, keeps each queue's bridge alive on this silo, and stops them in order: nothing more
/// is claimed, running jobs end within the limit, the rest goes back to the ready set. It stops before anything else of the
/// host does, so that the HTTP API and the findings go on while running jobs end.
/// </summary>
internal sealed class BridgeHost(
    SiloQueues queues, SiloIdentity silo, SiloLife life, IHostApplicationLifetime host, IOptions<GristmillOptions> options, IOptions<HandlerOptions> handlerOptions, IRedisClient redis, HandlerRegistry handlers,
    IGrainFactory grains, GpuPool gpus, ILoggerFactory loggers, TimeProvider clock, Random random, ILogger<BridgeHost> log) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(1);
    private const int AnnounceBeats = 30;

    /// <summary>What runs on a silo that drains is waited for, however long it takes.</summary>
    public static readonly TimeSpan DrainLimit = TimeSpan.FromDays(365);
    private static readonly TimeSpan StopLook = TimeSpan.FromMilliseconds(50);
    private readonly ClientScripts _scripts = new(redis, options.Value.Service);
    private readonly ThreadPoolGuard _threads = new(log, () => queues.All.Any(q => q.Executing > 0));

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var (name, queue) in options.Value.Queues)
        {
            if (queue.Labels.Except(options.Value.Labels, StringComparer.Ordinal).ToList() is { Count: > 0 } missing)
            {
                log.NotServedHere(name, string.Join(", ", missing));
                continue;
            }

            var keys = new RedisKeys(options.Value.Service, DatabaseOf(options.Value.Redis), name);
            queues.Add(new QueueRuntime(name, queue, new QueueStore(redis, keys), () => CreateRunner(name, queue), clock));
        }

        _threads.Start();
        await base.StartAsync(cancellationToken);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        life.Stop();
        await StopAsync(cancellationToken);
        var limit = TimeSpan.FromSeconds(options.Value.ShutdownSeconds);
        foreach (var queue in queues.All) await TryAsync(queue, b => b.StopAsync(limit));
        try
        {
            while (!await AllStoppedAsync()) await Task.Delay(StopLook, clock, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            log.StoppedInPart();
        }

        foreach (var queue in queues.All) await queue.DisposeAsync();
        _threads.Stop();
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            // Workers may take their time to load; the bridges of the others need not wait for them.
            _ = Task.WhenAll(queues.All.Select(q => StartRunnerAsync(q, stoppingToken)));
            var beats = 0;
            while (life.TakesWork)
            {
                foreach (var queue in queues.All) await TryAsync(queue, b => b.RunAsync());
                if (beats++ % AnnounceBeats == 0 && !await AnnounceAsync(stoppingToken)) beats = 0;
                await BeatAsync(life.Draining, stoppingToken);
            }

            await DrainAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops.
        }
    }

    private async Task BeatAsync(CancellationToken sooner, CancellationToken stoppingToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(sooner, stoppingToken);
        await Task.Delay(Heartbeat, clock, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        stoppingToken.ThrowIfCancellationRequested();
    }

    private async Task DrainAsync(CancellationToken stoppingToken)
    {
        foreach (var queue in queues.All) await TryAsync(queue, b => b.StopAsync(DrainLimit));
        while (!await AllStoppedAsync()) await Task.Delay(StopLook, clock, stoppingToken);
        log.Drained();
        host.StopApplication();
    }

    /// <summary>The database number of a Redis URL; channels carry it, since pub/sub knows no databases.</summary>
    public static int DatabaseOf(string? url) => url is null ? 0 : RedisOptions.Parse(url).Database;

    private IJobRunner CreateRunner(string name, QueueOptions queue)
    {
        Func<Action, GpuSeat>? join = queue.Gpu is { } gpu ? changed => gpus.Join(GpuModel.Of(name, gpu), changed) : null;
        if (queue.Worker is { } worker) return new WorkerPool(name, worker, handlerOptions.Value.MaxResultBytes, loggers, clock, random, join);
        var handler = handlers.CreateRunner(queue.Handler!);
        return join is null ? handler : new GpuHandlerRunner(handler, join, queue.Concurrency, clock, log);
    }

    private async Task StartRunnerAsync(QueueRuntime queue, CancellationToken cancellationToken)
    {
        await queue.StartAsync(error => log.RunnerBroken(queue.Name, error), cancellationToken);
    }

    // Clients list the queues that are served, with the lists behind them and what they expect of jobs, and find the scripts, without
    // knowing any silo.
    private async Task<bool> AnnounceAsync(CancellationToken cancellationToken)
    {
        if (queues.All.Count == 0) return true;
        try
        {
            var command = new RedisCommand("SADD", RedisKeys.Queues(options.Value.Service));
            foreach (var queue in queues.All) command.Add(queue.Name);
            await redis.ExecuteAsync(command, cancellationToken);
            foreach (var queue in queues.All) await queue.Store.AnnounceAsync([.. queue.Lists.Select(l => l.Name)], queue.Options.ToRules(), cancellationToken);
            await _scripts.PublishAsync(SiloReporter.Version, cancellationToken);
            return true;
        }
        catch (RedisException)
        {
            return false;
        }
    }

    private async Task<bool> AllStoppedAsync()
    {
        foreach (var queue in queues.All)
        {
            var stopped = true;
            await TryAsync(queue, async b => stopped = (await b.GetStatusAsync()).Stopped);
            if (!stopped) return false;
        }

        return true;
    }

    private async Task TryAsync(QueueRuntime queue, Func<IBridgeGrain, Task> call)
    {
        try
        {
            await call(grains.GetGrain<IBridgeGrain>($"{queue.Name}@{silo.Name}"));
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // Whatever it is, the next heartbeat tries again: the silo must not end for it.
            log.BridgeUnreachable(queue.Name, error.Message);
        }
    }
}
