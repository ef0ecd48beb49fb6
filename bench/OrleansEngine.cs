using Gristmill.Grains.Options;
using Gristmill.Silo.Hosting;

namespace Gristmill.Bench;

/// <summary>A silo of Orleans with the grain that does nothing, hosted as `gristmill silo` hosts it.</summary>
internal static class BenchEngine
{
    public static async Task<IHost> StartAsync(BenchSettings settings, string name)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.Configure<GristmillOptions>(options => (options.Redis, options.Service, options.SiloName) = (settings.Redis, "bench", name));
        builder.Services.AddEngine();
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }
}
