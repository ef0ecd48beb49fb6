using Gristmill.Grains.Silo;

namespace Gristmill.Silo.Findings;

/// <summary>Adds the doctor of a silo.</summary>
internal static class FindingsServiceCollectionExtensions
{
    /// <summary>Adds the service that looks, and what it says, for readiness, the API and the silo's record.</summary>
    public static IServiceCollection AddFindings(this IServiceCollection services)
    {
        services.AddSingleton<IOwnFindings, BridgeFindings>();
        services.AddSingleton<IOwnFindings, GpuFindings>();
        services.AddSingleton<IOwnFindings, StoppingFinding>();
        services.AddSingleton<FindingsService>();
        services.AddSingleton<IFindingsSource>(provider => provider.GetRequiredService<FindingsService>());
        services.AddSingleton<ISiloFindings>(provider => provider.GetRequiredService<FindingsService>());
        services.AddHostedService(provider => provider.GetRequiredService<FindingsService>());
        return services;
    }
}
