using System.Globalization;
using Gristmill.Client;

namespace Gristmill.Silo.Commands.Api;

/// <summary>The dead letters of one queue by the API.</summary>
internal sealed class ApiDeadLetters(ApiConnection connection, string queue) : IDeadLetters
{
    private string All => ApiConnection.Path("queues", queue, "dead-letters");

    public Task<DeadLetterList> ListAsync(string? cursor = null, int limit = 100, CancellationToken cancellationToken = default) =>
        ApiAbsence.PageAsync(
            () => connection.GetAsync<DeadLetterList>(
                ApiConnection.Query(All, ("cursor", cursor), ("limit", limit.ToString(CultureInfo.InvariantCulture))), cancellationToken),
            new DeadLetterList([], null));

    public Task<DeadLetter?> GetAsync(string id, CancellationToken cancellationToken = default) =>
        ApiAbsence.NullAsync(() => connection.GetAsync<DeadLetter>(One(id), cancellationToken));

    public Task<IReadOnlyList<DeadLetter>> FindByPayloadIdAsync(string payloadId, CancellationToken cancellationToken = default) =>
        Client.DeadLetters.FindAsync(this, payloadId, cancellationToken);

    public Task<RequeueOutcome> RequeueAsync(string id, ReadOnlyMemory<byte>? payload = null, CancellationToken cancellationToken = default)
    {
        if (payload is { } edited) ApiBodies.CheckJson(edited);
        return ApiAbsence.RequeueAsync(
            () => connection.PostAsync<Job>(ApiConnection.Path("queues", queue, "dead-letters", id, "requeue"), ApiBodies.Payload(payload), cancellationToken));
    }

    public async Task<long> RequeueAllAsync(DeadLetterFilter? filter = null, CancellationToken cancellationToken = default) =>
        (await connection.PostAsync<Moved>(
            ApiConnection.Path("queues", queue, "dead-letters", "requeue"), ApiBodies.Filter(Members(filter)), cancellationToken, ApiConnection.Long)).Requeued;

    public async Task<bool> PurgeAsync(string id, CancellationToken cancellationToken = default) =>
        await ApiAbsence.NullAsync(async () =>
        {
            await connection.SendAsync<Moved?>(HttpMethod.Delete, One(id), default, ApiConnection.Short, cancellationToken);
            return "gone";
        }) is not null;

    public async Task<long> PurgeAllAsync(DeadLetterFilter? filter = null, CancellationToken cancellationToken = default) =>
        (await connection.SendAsync<Moved>(
            HttpMethod.Delete, ApiConnection.Query(All, [.. Members(filter)]), default, ApiConnection.Long, cancellationToken)).Purged;

    private string One(string id) => ApiConnection.Path("queues", queue, "dead-letters", id);

    private static IEnumerable<(string Name, string? Value)> Members(DeadLetterFilter? filter) =>
    [
        ("reason", filter?.Reason), ("sessionId", filter?.SessionId), ("diedBefore", Text(filter?.DiedBefore)), ("diedSince", Text(filter?.DiedSince)),
    ];

    private static string? Text(DateTimeOffset? time) => time?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    private sealed record Moved(long Requeued = 0, long Purged = 0);
}
