using Gristmill.Grains.Gpu;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Options;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Silo;

/// <summary>Adds the grains' services to a silo.</summary>
public static class GristmillGrainsExtensions
{
    /// <summary>
    /// Adds what the grains need beside an engine, an IRedisClient and the options: the queues, the running jobs, the
    /// handlers, and the service that keeps the bridges alive. Call it after the engine was added, so that it stops first.
    /// </summary>
    /// <param name="services">The host's services.</param>
    public static IServiceCollection AddGristmillGrains(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddTransient(_ => new Random());
        services.AddSingleton(provider => new SiloIdentity(provider.GetRequiredService<IOptions<GristmillOptions>>().Value.SiloName));
        services.AddSingleton<SiloLife>();
        services.AddSingleton<SiloQueues>();
        services.AddSingleton<RunningJobs>();
        services.AddJobHandlerRegistry();
        services.AddSingleton<GpuPool>();
        services.AddHostedService<GpuMonitor>();
        services.AddSingleton<QueueMonitor>();
        services.AddHostedService(provider => provider.GetRequiredService<QueueMonitor>());
        services.AddHostedService<SiloReporter>();
        services.AddHostedService<BridgeHost>();
        return services;
    }
}
