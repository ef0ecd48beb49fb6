using Gristmill.Redis;
using Gristmill.Silo.Commands;

namespace Gristmill.Silo.Bench;

/// <summary>The two measurements: many jobs that were pushed before the silo starts, then single pushes to the idle silo.</summary>
internal static class BenchLoad
{
    /// <summary>The time between two single pushes.</summary>
    public static readonly TimeSpan PushPeriod = TimeSpan.FromMilliseconds(10);

    private const int Pushes = 300;
    private const int WarmUpPushes = 50;
    private const int Pings = 200;

    // The slowest that is still measured: below some hundred jobs a second something is wrong, and waiting does not tell what.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static async Task<BenchReport> RunAsync(BenchService service, TimeProvider clock, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        over.CancelAfter(Patience);
        try
        {
            var ping = await PingAsync(service, clock, over.Token);
            await service.PushAsync(0, service.Plan.Jobs, over.Token);
            var handler = new BenchHandler(clock);
            using var silo = service.BuildSilo(handler);
            try
            {
                var rate = await ThroughputAsync(service, silo, clock, over.Token);
                var waits = await LatencyAsync(service, handler, clock, over.Token);
                return new BenchReport(
                    service.Redis.Server?.ToString() ?? "?", service.Plan.Jobs, service.Plan.Concurrency, Environment.ProcessorCount, ping, rate, BenchLatency.Of(waits));
            }
            finally
            {
                await silo.StopAsync(CancellationToken.None);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandException($"The bench was not done within {Patience.TotalMinutes:0} minutes.", "Take fewer --jobs.");
        }
    }

    private static async Task<double> PingAsync(BenchService service, TimeProvider clock, CancellationToken cancellationToken)
    {
        var waits = new List<double>(Pings);
        for (var i = 0; i < Pings; i++)
        {
            var began = clock.GetTimestamp();
            await service.Redis.ExecuteAsync(new RedisCommand("PING"), cancellationToken);
            waits.Add(clock.GetElapsedTime(began).TotalMilliseconds);
        }

        return BenchLatency.Of(waits).P50;
    }

    private static async Task<double> ThroughputAsync(BenchService service, IHost silo, TimeProvider clock, CancellationToken cancellationToken)
    {
        await using var events = await service.Redis.SubscribeAsync(service.Events, cancellationToken);
        await silo.StartAsync(cancellationToken);
        var (first, last) = await FinishedJobs.WaitAsync(events, service.Plan.Jobs, clock, cancellationToken);
        return Math.Round(service.Plan.Jobs / clock.GetElapsedTime(first, last).TotalSeconds);
    }

    private static async Task<IEnumerable<double>> LatencyAsync(BenchService service, BenchHandler handler, TimeProvider clock, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(PushPeriod, clock);
        var started = handler.Await(service.Plan.Jobs, WarmUpPushes + Pushes);
        for (var n = 0; n < WarmUpPushes + Pushes; n++)
        {
            await timer.WaitForNextTickAsync(cancellationToken);
            handler.Pushing(n);
            await service.PushAsync(service.Plan.Jobs + n, 1, cancellationToken);
        }

        return (await started.WaitAsync(cancellationToken)).Skip(WarmUpPushes);
    }
}
