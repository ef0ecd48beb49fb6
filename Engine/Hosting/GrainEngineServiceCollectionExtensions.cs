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
    /// services; grain states are kept by the <c>IRedisClient</c> service.
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
        services.AddHostedService<GrainEngineService>();
        return services;
    }
}
