using Gristmill.Client;
using Gristmill.Grains.Options;
using Gristmill.Silo.Http.Document;

namespace Gristmill.Silo.Http;

/// <summary>The silos of the cluster: who is there, and draining one.</summary>
internal static class SiloCalls
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/silos", async (IGristmillClient client, CancellationToken stop) => ApiJson.Ok(new SilosAnswer(client.Service, await client.ListSilosAsync(stop))))
            .Describe(AccessRole.Read, "listSilos", "The silos of the cluster, also those lost within the last hour.", "Cluster").Produces<SilosAnswer>();
        api.MapPost("/silos/{id}/drain", DrainAsync)
            .Describe(AccessRole.Admin, "drainSilo", "Has a silo take nothing more, finish what it runs, and end.", "Cluster").Produces<SiloInfo>(202).Fails(404);
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
