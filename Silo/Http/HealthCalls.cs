using Gristmill.Client;
using Gristmill.Redis;
using Gristmill.Silo.Findings;

namespace Gristmill.Silo.Http;

/// <summary>
/// Health: live while the process answers; ready while Redis answers and no finding says that a queue of this silo cannot be served.
/// </summary>
internal static class HealthCalls
{
    private static readonly TimeSpan PingLimit = TimeSpan.FromSeconds(2);

    public static void Map(IEndpointRouteBuilder routes, RouteGroupBuilder api)
    {
        api.MapGet("/findings", (IEnumerable<IFindingsSource> sources) => ApiJson.Ok(new FindingsAnswer(Current(sources))));
        routes.MapGet("/health/live", () => ApiJson.Ok(new HealthAnswer("live", [])));
        routes.MapGet("/health/ready", ReadyAsync);
    }

    private static async Task<IResult> ReadyAsync(IEnumerable<IFindingsSource> sources, IGristmillClient client, TimeProvider clock, CancellationToken cancellationToken)
    {
        var findings = sources.SelectMany(s => s.InTheWay).ToList();
        if (await PingAsync(client, clock, cancellationToken) is { } failure) findings.Insert(0, failure);
        return findings.Count == 0
            ? ApiJson.Ok(new HealthAnswer("ready", []))
            : ApiJson.Ok(new HealthAnswer("unready", findings), StatusCodes.Status503ServiceUnavailable);
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
