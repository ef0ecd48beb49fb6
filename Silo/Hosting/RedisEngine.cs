using Gristmill.Grains;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Silo.Configuration;
using Gristmill.Silo.Findings;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Hosting;

/// <summary>Hosts the grains on the default engine. The other engine has its file beside this one (OrleansEngine.cs).</summary>
internal static class EngineHosting
{
    /// <summary>What the environment of a silo of a local cluster needs beside its name and URL: nothing.</summary>
    public static Func<GristmillOptions, int, IEnumerable<KeyValuePair<string, string>>> EnvironmentOf => (_, _) => [];

    /// <summary>Checks the options of this engine, which has none.</summary>
    public static Action<GristmillOptions, IConfiguration, OptionProblems> Check => (_, _, _) => { };

    /// <summary>Keeps what the engine says to what people must know, which is all that it says.</summary>
    public static Action<ILoggingBuilder> Quieten => _ => { };

    /// <summary>The keys of this engine that all silos of a service share, and of which type each must be.</summary>
    public static IEnumerable<(string Key, string Type)> KeyTypesOf(string service) => new GrainEngineOptions { ServiceId = service }.KeyTypes();

    /// <summary>Adds the engine with the grains of Gristmill and what silos tell each other through Redis.</summary>
    public static IServiceCollection AddEngine(this IServiceCollection services)
    {
        services.AddOptions<GrainEngineOptions>().Configure<IOptions<GristmillOptions>>((engine, silo) =>
        {
            engine.ServiceId = silo.Value.Service;
            engine.SiloName = silo.Value.SiloName;
            engine.Database = silo.Value.Redis is { } url ? RedisOptions.Parse(url).Database : 0;

            // A bridge is bound to the silo that its key names, and runs on while Redis is away.
            engine.LocalOnly = static type => type.IsAssignableTo(typeof(IBridgeGrain));
        });
        services.AddSingleton<IOwnFindings, MembershipFinding>();
        return services.AddGrainEngine(engine => engine.AddGrains(typeof(GristmillGrainsExtensions).Assembly));
    }
}
