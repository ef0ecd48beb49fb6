using Gristmill.Client;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Http;

/// <summary>
/// The HTTP API: one file for each group of calls (EnqueueCalls, JobCalls, JobEventStream, QueueCalls, DeadLetterCalls, SessionCalls,
/// SiloCalls, GpuCalls, HealthCalls). All of them read their input by <see cref="PathValues"/>, <see cref="RequestBody"/> and <see cref="QueryValues"/>, find their queue in
/// <see cref="QueueDirectory"/>, work through the client, and fail with what <see cref="ApiProblems"/> makes of an exception.
/// </summary>
internal static class GristmillApi
{
    /// <summary>
    /// Adds what the API needs: the client, on the <see cref="IRedisClient"/> of the container and with what
    /// <see cref="GristmillOptions"/> say of the queues. Findings come from all <see cref="Findings.IFindingsSource"/> services.
    /// </summary>
    public static IServiceCollection AddGristmillApi(this IServiceCollection services)
    {
        services.AddGristmillClient(_ => { });
        services.AddOptions<GristmillClientOptions>().Configure<IOptions<GristmillOptions>>(Configure);
        services.TryAddSingleton<QueueDirectory>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, RawPathFilter>());
        return services;
    }

    /// <summary>Maps the calls.</summary>
    public static IEndpointRouteBuilder MapGristmillApi(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api").AddEndpointFilter(CrossSiteGuard.CheckAsync).AddEndpointFilter(ApiProblems.CatchAsync);
        ((IEndpointConventionBuilder)api).Finally(PathValues.DecodeForCalls);
        var queue = api.MapGroup("/queues/{queue}");
        EnqueueCalls.Map(queue);
        JobCalls.Map(queue);
        DeadLetterCalls.Map(queue);
        SessionCalls.Map(api.MapGroup("/sessions/{queue}"));
        QueueCalls.Map(api);
        SiloCalls.Map(api);
        GpuCalls.Map(api);
        HealthCalls.Map(routes, api);
        return routes;
    }

    private static void Configure(GristmillClientOptions client, IOptions<GristmillOptions> silo)
    {
        var options = silo.Value;
        client.Service = options.Service;

        // Who calls the API again after a lost answer does not know an id that was made here: what is safe to call again has an id of his.
        client.GenerateIds = false;
        client.Database = options.Redis is { } url ? RedisOptions.Parse(url).Database : 0;
        foreach (var (name, queue) in options.Queues)
        {
            client.Queues[name] = new ClientQueueOptions
            {
                MaxPayloadBytes = queue.MaxPayloadBytes,
                AllowOpaque = queue.AllowOpaque,
                Fields = queue.ReadFields,
                MaxWaiting = queue.WaitingLimit,
                IdWindow = TimeSpan.FromSeconds(queue.IdWindowSeconds),
            };
        }
    }
}
