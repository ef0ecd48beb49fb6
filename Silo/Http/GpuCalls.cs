using Gristmill.Client;
using Gristmill.Grains.Options;
using Gristmill.Silo.Http.Document;
using Gristmill.Store;

namespace Gristmill.Silo.Http;

/// <summary>The devices of the cluster.</summary>
internal static class GpuCalls
{
    public static void Map(RouteGroupBuilder api) => api
        .MapGet("/gpus", async (IGristmillClient client, CancellationToken stop) => ApiJson.Ok(GpusAnswer.Of(await client.ListSilosAsync(stop))))
        .Describe(AccessRole.Read, "listGpus", "The devices of all silos, what is on them, and why jobs wait for them.", "Cluster").Produces<GpusAnswer>();
}

/// <summary>All devices, by silo.</summary>
internal sealed record GpusAnswer(IReadOnlyList<SiloGpusAnswer> Silos)
{
    /// <summary>Of the silos that live and have devices.</summary>
    public static GpusAnswer Of(IReadOnlyList<SiloInfo> silos) => new(
        [.. silos.Where(s => s.State != "lost" && s.Gpus.Count > 0).Select(s => new SiloGpusAnswer(s.Name, s.Id, s.Gpus))]);
}

/// <summary>The devices of one silo.</summary>
internal sealed record SiloGpusAnswer(string Silo, string Id, IReadOnlyList<SiloGpuRecord> Gpus);
