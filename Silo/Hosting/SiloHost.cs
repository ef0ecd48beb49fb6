using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Hosting;

/// <summary>Puts a silo together: Redis, the engine, the grains.</summary>
public static class SiloHost
{
    /// <summary>Adds everything that a silo runs, but its HTTP surface.</summary>
    /// <param name="services">The host's services; GristmillOptions are configured by the caller.</param>
    public static IServiceCollection AddGristmillSilo(this IServiceCollection services)
    {
        services.AddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<GristmillOptions>>().Value;
            var redis = RedisOptions.Parse(options.Redis ?? throw new InvalidOperationException("Gristmill:Redis is not set."));
            redis.ClientName = $"gristmill-{options.SiloName}";

            // After a stall of Redis every lease is extended once, by its own length: who waits longer to connect anew loses it.
            var longest = TimeSpan.FromSeconds(options.LeaseSeconds / 4);
            if (redis.BackoffMax > longest) redis.BackoffMax = longest;
            if (redis.BackoffMin > longest) redis.BackoffMin = longest;
            return RedisClient.Connect(redis, provider.GetRequiredService<ILoggerFactory>(), provider.GetRequiredService<TimeProvider>());
        });
        services.AddEngine();
        services.AddGristmillGrains();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromHours(2));
        return services;
    }
}
