using Gristmill.Client;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Http.Access;
using Gristmill.Silo.Http.Document;
using Gristmill.Silo.Telemetry;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Http;

/// <summary>
/// The HTTP API: one file for each group of calls (EnqueueCalls, JobCalls, JobEventStream, QueueCalls, DeadLetterCalls, SessionCalls,
/// SiloCalls, GpuCalls, HealthCalls). Each says beside its code which role it needs and what the document says of it
/// (<see cref="CallDescription"/>). All of them read their input by <see cref="PathValues"/>, <see cref="RequestBody"/> and <see cref="QueryValues"/>, find their queue in
/// <see cref="QueueDirectory"/>, work through the client, and fail with what <see cref="ApiProblems"/> makes of an exception.
/// Around them stand <see cref="ApiPipeline"/> and the steps of <see cref="AccessRegistration"/>.
/// </summary>
internal static class GristmillApi
{
    // Every answer with a ready job says why it does not start; asked each time, that would be most of what a busy API asks of Redis.
    private static readonly TimeSpan WaitingForAge = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Adds what the API needs: the client, on the <see cref="IRedisClient"/> of the container and with what
    /// <see cref="GristmillOptions"/> say of the queues. Findings come from all <see cref="Findings.IFindingsSource"/> services.
    /// </summary>
    public static IServiceCollection AddGristmillApi(this IServiceCollection services)
    {
        services.AddGristmillClient(_ => { });
        services.AddOptions<GristmillClientOptions>().Configure<IOptions<GristmillOptions>>(Configure);
        services.TryAddSingleton<QueueDirectory>();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<GristmillOptions>>(Bound);
        services.TryAddSingleton(_ => new PrometheusExporter(TelemetryExport.Meters));
        services.AddHostedService<RefusedConnections>();
        services.AddLogging(log => log.AddFilter(RefusedConnections.Category, LogLevel.Error));
        services.AddGristmillAccess();
        ApiDocument.Add(services);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, ApiPipeline>());
        return services;
    }

    /// <summary>Maps the calls, behind the steps that every request takes.</summary>
    public static void UseGristmillApi(this WebApplication app)
    {
        // In an environment named Development the host puts a page with stack traces around all this; nothing gets to it.
        app.Use(app.Services.GetServices<IStartupFilter>().OfType<ApiPipeline>().Single().CatchAsync);
        ApiDocument.UsePage(app);
        app.UseRouting();
        app.UseGristmillAccess();
        Map(app);
    }

    private static void Map(IEndpointRouteBuilder routes)
    {
        ApiDocument.Map(routes);
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
    }

    // What the server itself bounds; calls bound their bodies more tightly.
    private static void Bound(KestrelServerOptions server, IOptions<GristmillOptions> options)
    {
        server.AddServerHeader = false;
        server.Limits.MaxConcurrentConnections = options.Value.Api.MaxConnections;
        server.Limits.MaxRequestBodySize = options.Value.Api.MaxBatchBytes + 1L;
    }

    private static void Configure(GristmillClientOptions client, IOptions<GristmillOptions> silo)
    {
        var options = silo.Value;
        client.Service = options.Service;
        client.WaitingForAge = WaitingForAge;
        client.MaxWatchers = Math.Max(client.MaxWatchers, options.Api.MaxStreams);

        // Who calls the API again after a lost answer does not know an id that was made here: what is safe to call again has an id of his.
        client.GenerateIds = false;
        client.Database = options.Redis is { } url ? RedisOptions.Parse(url).Database : 0;
        foreach (var (name, queue) in options.Queues)
        {
            client.Queues[name] = new ClientQueueOptions
            {
                MaxPayloadBytes = queue.MaxPayloadBytes,
                AllowOpaque = queue.AllowOpaque,
                Dialect = queue.Dialect,
                Fields = queue.ReadFields,
                MaxWaiting = queue.WaitingLimit,
                ReplyToPrefixes = queue.ReplyToPrefixes,
                IdWindow = TimeSpan.FromSeconds(queue.IdWindowSeconds),
            };
        }
    }
}
