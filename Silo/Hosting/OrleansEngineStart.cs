namespace Gristmill.Silo.Hosting;

/// <summary>
/// Starts and stops Orleans with the host. A silo that was told to end while it starts gives up, and Orleans refuses to stop what
/// has not started: then there is nothing to stop. What it may have written of itself by then, the others find dead.
/// </summary>
internal sealed class OrleansEngineStart(IHostedService silo) : IHostedService
{
    private bool _started;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await silo.StartAsync(cancellationToken);
            _started = true;
        }
        catch (Exception error) when (cancellationToken.IsCancellationRequested && error is not OperationCanceledException)
        {
            throw new OperationCanceledException("The silo was told to end while it started.", error, cancellationToken);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => _started ? silo.StopAsync(cancellationToken) : Task.CompletedTask;

    /// <summary>Takes the place of the service by which Orleans starts.</summary>
    public static void TakePlace(IServiceCollection services)
    {
        var orleans = services.Last(s => s.ServiceType == typeof(IHostedService) && s.ImplementationType?.Assembly == typeof(ISiloStatusOracle).Assembly);
        services[services.IndexOf(orleans)] = ServiceDescriptor.Singleton<IHostedService>(
            provider => new OrleansEngineStart((IHostedService)ActivatorUtilities.CreateInstance(provider, orleans.ImplementationType!)));
    }
}
