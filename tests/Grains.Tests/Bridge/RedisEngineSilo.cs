using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary>The default engine of a silo under test. Calls between its grains take their wire form.</summary>
internal static class TestEngine
{
    /// <summary>Whether a silo starts while its store is away. The store keeps its members too, and is waited for while the silo runs.</summary>
    public static bool StartsWithoutStore => true;

    public static void Add(IServiceCollection services)
    {
        services.AddOptions<GrainEngineOptions>().Configure<IOptions<GristmillOptions>>((engine, silo) =>
        {
            engine.ServiceId = silo.Value.Service;
            engine.SiloName = silo.Value.SiloName;
            engine.SerializeLocalCalls = true;
            engine.LocalOnly = type => type.IsAssignableTo(typeof(IBridgeGrain));
        });
        services.AddGrainEngine(engine => engine.AddGrains(typeof(GristmillGrainsExtensions).Assembly));
    }
}
