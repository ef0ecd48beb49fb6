using Gristmill.Client;

namespace Gristmill.Silo.Commands.Api;

/// <summary>
/// The cluster by the HTTP API of one of its silos, behind the interface of the store's client, so that commands need not
/// know which of the two they have: queues are in <see cref="ApiQueue"/>, dead letters in <see cref="ApiDeadLetters"/>,
/// sessions in <see cref="ApiSessions"/>, a job's events in <see cref="ApiJobEvents"/>.
/// </summary>
internal sealed class ApiClient(ApiConnection connection) : IGristmillClient
{
    private string? _service;

    /// <summary>The silo's; known once queues or silos were asked for.</summary>
    public string Service => _service ?? "?";

    public IQueueClient Queue(string name) => new ApiQueue(connection, name);

    public async Task<IReadOnlyList<string>> ListQueuesAsync(CancellationToken cancellationToken = default) =>
        [.. (await ListInfosAsync(cancellationToken)).Select(q => q.Name)];

    /// <summary>All queues with their numbers, by one call.</summary>
    public async Task<IReadOnlyList<QueueInfo>> ListInfosAsync(CancellationToken cancellationToken)
    {
        var answer = await connection.GetAsync<QueuesSeen>(ApiConnection.Path("queues"), cancellationToken);
        _service = answer.Service ?? _service;
        return answer.Queues;
    }

    public async Task<IReadOnlyList<SiloInfo>> ListSilosAsync(CancellationToken cancellationToken = default)
    {
        var answer = await connection.GetAsync<SilosSeen>(ApiConnection.Path("silos"), cancellationToken);
        _service = answer.Service ?? _service;
        return answer.Silos;
    }

    public Task DrainSiloAsync(string id, CancellationToken cancellationToken = default) =>
        connection.PostAsync<SiloInfo>(ApiConnection.Path("silos", id, "drain"), default, cancellationToken);

    public Task PingAsync(CancellationToken cancellationToken = default) => ListSilosAsync(cancellationToken);

    public string Describe() => connection.Url.ToString();

    public ValueTask DisposeAsync()
    {
        connection.Dispose();
        return ValueTask.CompletedTask;
    }

    private sealed record QueuesSeen(string? Service, IReadOnlyList<QueueInfo> Queues);

    private sealed record SilosSeen(string? Service, IReadOnlyList<SiloInfo> Silos);
}
