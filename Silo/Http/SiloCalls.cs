using Gristmill.Client;

namespace Gristmill.Silo.Http;

/// <summary>The silos of the cluster: who is there, and draining one.</summary>
internal static class SiloCalls
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/silos", async (IGristmillClient client, CancellationToken stop) => ApiJson.Ok(new SilosAnswer(client.Service, await client.ListSilosAsync(stop))));
        api.MapPost("/silos/{id}/drain", DrainAsync);
    }

    private static async Task<IResult> DrainAsync(string id, IGristmillClient client, CancellationToken cancellationToken)
    {
        var silos = await client.ListSilosAsync(cancellationToken);
        var silo = silos.FirstOrDefault(s => s.Id == id && s.State != "lost") ?? throw new ApiProblemException(
            StatusCodes.Status404NotFound, "unknown_silo", "There is no such silo.", $"No silo with the id '{id}' runs; GET /api/silos lists them.", "id");
        await client.DrainSiloAsync(id, cancellationToken);
        return ApiJson.Ok(silo with { State = silo.State == "stopping" ? silo.State : "draining" }, StatusCodes.Status202Accepted);
    }
}

/// <summary>All silos of a service.</summary>
internal sealed record SilosAnswer(string Service, IReadOnlyList<SiloInfo> Silos);
