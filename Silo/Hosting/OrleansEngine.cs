using Gristmill.Grains;
using Gristmill.Grains.Options;
using Gristmill.Silo.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Clustering.Redis;
using Orleans.Configuration;
using Orleans.Persistence;

namespace Gristmill.Silo.Hosting;

/// <summary>
/// Hosts the grains on Microsoft Orleans: silos find each other in the same Redis and call each other over TCP. The other
/// engine has its file beside this one (RedisEngine.cs).
/// </summary>
internal static class EngineHosting
{
    // Silos of one service are one cluster, as on the other engine.
    private const string ClusterId = "default";
    private const string DefaultStorage = "Default";

    /// <summary>What the environment of a silo of a local cluster needs beside its name and URL: ports of its own.</summary>
    public static IEnumerable<KeyValuePair<string, string>> EnvironmentOf(GristmillOptions options, int number) => OrleansEngineEndpoints.PortsOf(options.Orleans, number);

    /// <summary>Checks the options of this engine.</summary>
    public static void Check(GristmillOptions options, IConfiguration configuration, OptionProblems found) =>
        OrleansEngineEndpoints.Check(options.Orleans, configuration, found.Under(nameof(GristmillOptions.Orleans)));

    /// <summary>Keeps what the engine says to what people must know: not its recommendation of another garbage collector, nor each call.</summary>
    public static void Quieten(ILoggingBuilder log) => log
        .AddFilter("Orleans", LogLevel.Warning).AddFilter("Orleans.Runtime.Silo", LogLevel.Error).AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error)
        .AddFilter("Polly", LogLevel.Warning);

    /// <summary>Keys of this engine that the doctor looks at: none, for it looks after them itself.</summary>
    public static Func<string, IEnumerable<(string Key, string Type)>> KeyTypesOf => _ => [];

    /// <summary>Adds the engine with the grains of Gristmill.</summary>
    public static IServiceCollection AddEngine(this IServiceCollection services)
    {
        services.AddOrleans(silo =>
        {
            silo.UseRedisClustering(_ => { });
            silo.AddRedisGrainStorageAsDefault();
            silo.AddGristmillRules(type => type.IsAssignableTo(typeof(IBridgeGrain)));
        });
        OrleansEngineStart.TakePlace(services);
        services.AddSingleton<OrleansEngineRedis>();
        services.AddSingleton<OrleansEngineFate>();
        services.Replace(ServiceDescriptor.Singleton<IFatalErrorHandler>(provider => provider.GetRequiredService<OrleansEngineFate>()));
        services.AddHostedService(provider => provider.GetRequiredService<OrleansEngineFate>());
        var table = services.Last(service => service.ServiceType == typeof(IMembershipTable)).ImplementationFactory!;
        services.AddSingleton<IMembershipTable>(provider => ActivatorUtilities.CreateInstance<OrleansEngineMembers>(provider, table(provider)));
        Identity(services);
        Liveness(services);
        Stores(services);
        services.AddOptions<EndpointOptions>().Configure<IOptions<GristmillOptions>, IConfiguration>(
            (endpoint, silo, configuration) => OrleansEngineEndpoints.Apply(silo.Value, configuration, endpoint));
        return services;
    }

    private static void Identity(IServiceCollection services)
    {
        services.AddOptions<SiloOptions>().Configure<IOptions<GristmillOptions>>((engine, silo) => engine.SiloName = silo.Value.SiloName);
        services.AddOptions<ClusterOptions>().Configure<IOptions<GristmillOptions>>((engine, silo) =>
        {
            engine.ServiceId = silo.Value.Service;
            engine.ClusterId = ClusterId;
        });
    }

    private static void Liveness(IServiceCollection services) =>
        services.AddOptions<ClusterMembershipOptions>().Configure<IOptions<GristmillOptions>>((membership, silo) =>
        {
            var probe = TimeSpan.FromSeconds(silo.Value.Orleans.ProbeSeconds);
            membership.ProbeTimeout = probe;
            membership.MaxProbeTimeout = 2 * probe;
            membership.TableRefreshTimeout = 5 * probe;

            // A silo that comes after all others were killed waits until their entries are stale: not for a minute and a half.
            membership.IAmAliveTablePublishTimeout = probe;
        });

    // Both in the silo's database, by one connection.
    private static void Stores(IServiceCollection services)
    {
        services.AddOptions<RedisClusteringOptions>().Configure<OrleansEngineRedis>((clustering, redis) =>
        {
            clustering.ConfigurationOptions = redis.Configuration;
            clustering.CreateMultiplexer = async _ => (await redis.ConnectAsync(), IsShared: true);
            clustering.CreateRedisKey = cluster => $"gristmill:orleans:{{{cluster.ServiceId}/{cluster.ClusterId}}}:members";
        });
        services.AddOptions<RedisStorageOptions>(DefaultStorage).Configure<OrleansEngineRedis, IOptions<GristmillOptions>>((storage, redis, silo) =>
        {
            var service = silo.Value.Service;
            storage.ConfigurationOptions = redis.Configuration;
            storage.DeleteStateOnClear = true;
            storage.CreateMultiplexer = async _ => (await redis.ConnectAsync(), IsShared: true);
            storage.GetStorageKey = (name, grain) => $"gristmill:orleans:state:{name}:{{{service}/{grain}}}";
        });
    }
}
