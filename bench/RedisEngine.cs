using Gristmill.Redis;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Bench;

/// <summary>A silo of the default engine with the grain that does nothing.</summary>
internal static class BenchEngine
{
    public static async Task<IHost> StartAsync(BenchSettings settings, string name)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSingleton<IRedisClient>(_ => RedisClient.Connect(RedisOptions.Parse(settings.Redis), NullLoggerFactory.Instance));
        builder.Services.AddGrainEngine(options =>
        {
            options.ServiceId = "bench";
            options.SiloName = name;
            options.GrainClasses.Add(typeof(BenchGrain));
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }
}
