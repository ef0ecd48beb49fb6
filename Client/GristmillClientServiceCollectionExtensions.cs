using Gristmill.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Gristmill.Client;

/// <summary>Adds the client to a host.</summary>
public static class GristmillClientServiceCollectionExtensions
{
    /// <summary>
    /// Adds <see cref="IGristmillClient"/> as a singleton:
    /// <c>services.AddGristmillClient(o => o.Redis = "redis://localhost:6379/0")</c>.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Sets the options.</param>
    public static IServiceCollection AddGristmillClient(this IServiceCollection services, Action<GristmillClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.AddOptions<GristmillClientOptions>().Configure(configure).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<GristmillClientOptions>, GristmillClientOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IGristmillClient>(Create);
        return services;
    }

    private static GristmillClient Create(IServiceProvider provider)
    {
        var options = provider.GetRequiredService<IOptions<GristmillClientOptions>>().Value;
        var logs = provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance;
        var clock = provider.GetRequiredService<TimeProvider>();
        if (options.Redis is not null) return GristmillClient.Connect(options, logs, clock);
        var shared = provider.GetService<IRedisClient>() ?? throw new InvalidOperationException(
            $"{nameof(GristmillClientOptions)}.{nameof(options.Redis)} is not set, and no {nameof(IRedisClient)} is registered that could be shared. Set it to an address such as redis://localhost:6379/0.");
        return new GristmillClient(shared, options, logs, clock);
    }
}
