using Microsoft.Extensions.Hosting;

namespace Gristmill.Engine;

/// <summary>Opens the engine when the host starts, looks for idle activations while it runs, and ends all of them when it stops.</summary>
internal sealed class GrainEngineService(GrainEngine engine) : IHostedService, IDisposable
{
    /// <summary>How long a stopping silo tries to leave: its membership would end by itself in about that time.</summary>
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(5);

    private ITimer? _collector;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (engine.Manifest.Classes.FirstOrDefault(c => c.States.Length > 0) is { } stateful && !engine.HasRedis)
            throw new InvalidOperationException($"{stateful.Type.FullName} keeps a state, and no IRedisClient is among the services.");
        var quantum = engine.Options.CollectionQuantum;
        engine.Catalog.Open();
        _collector = engine.Time.CreateTimer(_ => Collect(), null, quantum, quantum);
        if (engine.Cluster is { } cluster)
            await cluster.StartAsync(cancellationToken);
        engine.Log.Started(engine.Silo, engine.Manifest.Classes.Count(), engine.Options.ServiceId);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _collector?.Dispose();
        await EndActivationsAsync(cancellationToken);
        if (engine.Cluster is not { } cluster)
            return;
        using var limit = new CancellationTokenSource(LeaveLimit, engine.Time);
        await cluster.StopAsync(limit.Token);
    }

    public void Dispose() => _collector?.Dispose();

    private async Task EndActivationsAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(engine.Options.ShutdownTimeout, engine.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await engine.Membership.DrainAsync(either.Token);
            await engine.Catalog.CloseAsync(either.Token);
            engine.Log.Stopped(engine.Silo);
        }
        catch (OperationCanceledException)
        {
            engine.Log.StoppedInPart(engine.Silo, engine.Catalog.Count);
        }
    }

    private void Collect()
    {
        var age = (long)(engine.Options.CollectionAge.TotalSeconds * engine.Time.TimestampFrequency);
        if (engine.Catalog.CollectIdleSince(engine.Time.GetTimestamp() - age) is > 0 and var collected)
            engine.Log.Collected(collected);
    }
}
