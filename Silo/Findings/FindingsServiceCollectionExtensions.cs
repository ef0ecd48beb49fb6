namespace Gristmill.Silo.Findings;

/// <summary>Adds the doctor of a silo.</summary>
internal static class FindingsServiceCollectionExtensions
{
    /// <summary>Adds the service that looks, and what it says, for readiness and the API.</summary>
    public static IServiceCollection AddFindings(this IServiceCollection services)
    {
        services.AddSingleton<IClaimCounts, ClaimCounts>();
        services.AddSingleton<FindingsService>();
        services.AddSingleton<IFindingsSource>(provider => provider.GetRequiredService<FindingsService>());
        services.AddSingleton<IFindingsSource, BridgeFindings>();
        services.AddSingleton<IFindingsSource, GpuFindings>();
        services.AddSingleton<IFindingsSource, StoppingFinding>();
        services.AddHostedService(provider => provider.GetRequiredService<FindingsService>());
        return services;
    }
}
