using Gristmill.Client;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Findings;
using Gristmill.Silo.Http.Access;
using Gristmill.Silo.Http.Document;
using Gristmill.Silo.Telemetry;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Http;

/// <summary>
/// Health: live while the process answers; ready while Redis answers and no finding says that a queue of this silo cannot be served. Both
/// are open; but findings name addresses and keys of Redis, so who shows no key of a silo that has keys gets the status alone.
/// </summary>
internal static class HealthCalls
{
    private const string Tag = "Health";
    private static readonly TimeSpan PingLimit = TimeSpan.FromSeconds(2);

    public static void Map(IEndpointRouteBuilder routes, RouteGroupBuilder api)
    {
        api.MapGet("/findings", (IEnumerable<IFindingsSource> sources) => ApiJson.Ok(new FindingsAnswer(Current(sources))))
            .Describe(AccessRole.Read, "listFindings", "What is wrong now, and what to do.", "Cluster").Produces<FindingsAnswer>();
        routes.MapGet("/health/live", () => ApiJson.Ok(new HealthAnswer("live", [])))
            .Describe(null, "isLive", "Whether the process answers.", Tag).Produces<HealthAnswer>();
        routes.MapGet("/health/ready", ReadyAsync)
            .Describe(null, "isReady", "Whether all queues can be served. The findings that stand in the way are shown to who may read.", Tag).Produces<HealthAnswer>().Produces<HealthAnswer>(503);
        var metrics = routes.MapGristmillMetrics();
        var isOpen = routes.ServiceProvider.GetRequiredService<IOptions<GristmillOptions>>().Value.Access.OpenMetrics;
        metrics.Describe(isOpen ? null : AccessRole.Read, "getMetrics", "The metrics in the text format of Prometheus.", Tag).Produces(200, typeof(string), "text/plain");
    }

    private static async Task<IResult> ReadyAsync(IEnumerable<IFindingsSource> sources, IGristmillClient client, TimeProvider clock, AccessKeys keys, HttpContext context, CancellationToken cancellationToken)
    {
        var mayRead = keys.IsOpen || CallerClaims.RoleOf(context.User) is not null;
        var findings = sources.SelectMany(s => s.InTheWay).ToList();
        if (await PingAsync(client, clock, cancellationToken) is { } failure) findings.Insert(0, failure);
        return findings.Count == 0
            ? ApiJson.Ok(new HealthAnswer("ready", []))
            : ApiJson.Ok(new HealthAnswer("unready", mayRead ? findings : []), StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<Finding?> PingAsync(IGristmillClient client, TimeProvider clock, CancellationToken cancellationToken)
    {
        try
        {
            await client.PingAsync(cancellationToken).WaitAsync(PingLimit, clock, cancellationToken);
            return null;
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            return new Finding("redis_unavailable", Finding.Error, null, $"Redis at {client.Describe()} does not answer: {e.Message}", e is RedisException ? RedisAdvice.Of(e) : "Start Redis, or correct its address.");
        }
    }

    private static IReadOnlyList<Finding> Current(IEnumerable<IFindingsSource> sources) => [.. sources.SelectMany(s => s.Current)];
}

/// <summary>What is wrong now.</summary>
internal sealed record FindingsAnswer(IReadOnlyList<Finding> Findings);

/// <summary>live, ready or unready, with what stands in the way.</summary>
internal sealed record HealthAnswer(string Status, IReadOnlyList<Finding> Findings);
