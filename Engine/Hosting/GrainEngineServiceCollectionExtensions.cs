using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Gristmill.Engine;

/// <summary>Adds the grain engine to a host.</summary>
public static class GrainEngineServiceCollectionExtensions
{
    /// <summary>
    /// Adds the engine of one silo: a hosted service that starts and stops it, and the <see cref="IGrainFactory"/> that
    /// code of this process calls grains with. Incoming call filters are the <see cref="IIncomingGrainCallFilter"/>
    /// services. With an <c>IRedisClient</c> among the services, silos of the same service and cluster id find each other there
    /// (<see cref="IClusterMembershipService"/>), and grain states are kept there; without, the silo is alone.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Sets the options; the grain classes at least.</param>
    public static IServiceCollection AddGrainEngine(this IServiceCollection services, Action<GrainEngineOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<GrainEngineOptions>().Configure(configure).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<GrainEngineOptions>, GrainEngineOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IGrainStorage, RedisGrainStorage>();
        services.TryAddSingleton<GrainEngine>();
        services.TryAddSingleton(provider => provider.GetRequiredService<GrainEngine>().GrainFactory);
        services.TryAddSingleton(provider => provider.GetRequiredService<GrainEngine>().Membership);
        services.AddHostedService<GrainEngineService>();
        return services;
    }
}
