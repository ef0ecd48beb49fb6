using Gristmill.Client;
using Gristmill.Silo.Commands.Api;

namespace Gristmill.Silo.Commands;

/// <summary>The numbers of all queues: of the API by one call, of the store queue by queue.</summary>
internal static class QueueInfos
{
    /// <summary>The queues, by name.</summary>
    public static async Task<IReadOnlyList<QueueInfo>> ListAsync(IGristmillClient client, CancellationToken cancellationToken)
    {
        if (client is ApiClient api) return await api.ListInfosAsync(cancellationToken);
        var queues = new List<QueueInfo>();
        foreach (var name in await client.ListQueuesAsync(cancellationToken)) queues.Add(await client.Queue(name).GetInfoAsync(cancellationToken));
        return queues;
    }
}
