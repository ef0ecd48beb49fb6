using System.Globalization;
using System.Net;
using System.Text.Json.Serialization.Metadata;
using Gristmill.Client;
using Gristmill.Store;

namespace Gristmill.Silo.Commands.Api;

/// <summary>
/// One queue by the API. A job is checked by the silo, which knows the queue's bounds, and by the same rules as on the store. A
/// queue that the API does not know has nothing in it, as on the store; only to enqueue there is refused.
/// </summary>
internal sealed class ApiQueue(ApiConnection connection, string name) : IQueueClient
{
    public string Name => name;

    public IDeadLetters DeadLetters { get; } = new ApiDeadLetters(connection, name);

    public ISessions Sessions { get; } = new ApiSessions(connection, name);

    public Task<JobHandle> EnqueueAsync<T>(T payload, EnqueueOptions? options = null, CancellationToken cancellationToken = default) => throw JsonOnly();

    public Task<JobHandle> EnqueueAsync<T>(T payload, JsonTypeInfo<T> type, EnqueueOptions? options = null, CancellationToken cancellationToken = default) => throw JsonOnly();

    public Task<IReadOnlyList<JobHandle>> EnqueueManyAsync(IReadOnlyList<EnqueueRequest> jobs, CancellationToken cancellationToken = default) => throw JsonOnly();

    public async Task<JobHandle> EnqueueRawAsync(ReadOnlyMemory<byte> payload, EnqueueOptions? options = null, CancellationToken cancellationToken = default)
    {
        ApiBodies.CheckJson(payload);
        try
        {
            var (status, job) = await connection.SendWithStatusAsync<Job>(
                HttpMethod.Post, ApiConnection.Path("queues", name, "jobs"), ApiBodies.Enqueue(payload, options), ApiConnection.Short, cancellationToken);
            var fresh = job.State == JobState.Cancelled ? EnqueueOutcome.Cancelled : EnqueueOutcome.Created;
            return new JobHandle(this, job.Id, status == HttpStatusCode.OK ? EnqueueOutcome.Existing : fresh);
        }
        catch (ApiRefusal e) when (e.Code == "id_conflict" && options?.Id is { } id)
        {
            throw new JobConflictException(name, id);
        }
    }

    public Task<Job?> GetAsync(string id, CancellationToken cancellationToken = default) =>
        ApiAbsence.NullAsync(() => connection.GetAsync<Job>(ApiConnection.Path("queues", name, "jobs", id), cancellationToken));

    public Task<JobList> ListAsync(JobState? state = null, string? cursor = null, int limit = 100, CancellationToken cancellationToken = default) =>
        ApiAbsence.PageAsync(
            () => connection.GetAsync<JobList>(
                ApiConnection.Query(
                    ApiConnection.Path("queues", name, "jobs"), ("state", state is { } wanted ? JobStates.Name(wanted) : null), ("cursor", cursor), ("limit", limit.ToString(CultureInfo.InvariantCulture))),
                cancellationToken),
            new JobList([], null));

    public IAsyncEnumerable<JobEvent> WatchAsync(string id, CancellationToken cancellationToken = default) =>
        new ApiJobEvents(connection, name, id).ReadAsync(cancellationToken);

    public async Task<Job> WaitAsync(string id, CancellationToken cancellationToken = default)
    {
        Job? last = null;
        await foreach (var happened in WatchAsync(id, cancellationToken)) last = happened.Job;
        return last ?? throw new JobNotFoundException(name, id);
    }

    public async Task<CancelOutcome> CancelAsync(string id, string? reason = null, CancellationToken cancellationToken = default)
    {
        JobComposer.CheckId(id);
        try
        {
            var answer = await connection.PostAsync<Cancelled>(ApiConnection.Path("queues", name, "jobs", id, "cancel"), ApiBodies.Reason(reason), cancellationToken);
            return Enum.Parse<CancelOutcome>(answer.Outcome, ignoreCase: true);
        }
        catch (ApiRefusal e) when (e.Code == "ended")
        {
            return CancelOutcome.Ended;
        }
        catch (ApiRefusal e) when (ApiAbsence.Is(e))
        {
            return CancelOutcome.Unknown;
        }
    }

    public Task<RequeueOutcome> RetryAsync(string id, CancellationToken cancellationToken = default) =>
        ApiAbsence.RequeueAsync(() => connection.PostAsync<Job>(ApiConnection.Path("queues", name, "jobs", id, "retry"), default, cancellationToken));

    public async Task<QueueInfo> GetInfoAsync(CancellationToken cancellationToken = default) =>
        await ApiAbsence.NullAsync(() => connection.GetAsync<QueueInfo>(ApiConnection.Path("queues", name), cancellationToken))
        ?? QueueInfo.From(name, new QueueCounts { Totals = new Dictionary<string, long>(), Epoch = string.Empty }, [], []);

    public Task PauseAsync(CancellationToken cancellationToken = default) => SetModeAsync("pause", cancellationToken);

    public Task ResumeAsync(CancellationToken cancellationToken = default) => SetModeAsync("resume", cancellationToken);

    public Task DrainAsync(CancellationToken cancellationToken = default) => SetModeAsync("drain", cancellationToken);

    private Task SetModeAsync(string mode, CancellationToken cancellationToken) =>
        connection.PostAsync<QueueInfo>(ApiConnection.Path("queues", name, mode), default, cancellationToken);

    // Commands have payloads as they were typed.
    private static NotSupportedException JsonOnly() => new("By the API, jobs are enqueued one by one, with a payload as it stands.");

    private sealed record Cancelled(string Outcome);
}
