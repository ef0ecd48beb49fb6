using Gristmill.Client;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Http;

/// <summary>Which queues there are: those configured on this silo, and those that silos of the service have served.</summary>
internal sealed class QueueDirectory(
    IGristmillClient client, IRedisClient redis, IOptions<GristmillOptions> options, QueueMonitor? monitor = null, SiloQueues? served = null)
{
    /// <summary>The queue.</summary>
    /// <exception cref="ApiProblemException">There is none of this name.</exception>
    public async Task<IQueueClient> FindAsync(string name, CancellationToken cancellationToken)
    {
        if (options.Value.Queues.ContainsKey(name)) return client.Queue(name);
        if (RedisKeys.IsName(name) && (await client.ListQueuesAsync(cancellationToken)).Contains(name)) return client.Queue(name);
        throw new ApiProblemException(StatusCodes.Status404NotFound, "unknown_queue", "There is no such queue.", $"The queue '{name}' is not configured on this silo, and no silo of the service '{client.Service}' serves it.", "queue");
    }

    /// <summary>A job that was enqueued just now; null where it is gone already.</summary>
    public static Task<Job?> DescribeAsync(IQueueClient queue, JobHandle handle, CancellationToken cancellationToken) =>
        queue is QueueClient own ? own.DescribeAsync(handle, cancellationToken) : handle.GetAsync(cancellationToken);

    /// <summary>The events of a job; where it can be, without the payload, which no answer shows.</summary>
    public static IAsyncEnumerable<JobEvent> WatchAsync(IQueueClient queue, string id, CancellationToken cancellationToken) =>
        queue is QueueClient own ? own.WatchStatesAsync(id, cancellationToken) : queue.WatchAsync(id, cancellationToken);

    /// <summary>The names of all queues, in order.</summary>
    public async Task<IReadOnlyList<string>> NamesAsync(CancellationToken cancellationToken) =>
        [.. options.Value.Queues.Keys.Union(await client.ListQueuesAsync(cancellationToken)).Order(StringComparer.Ordinal)];

    /// <summary>The largest payload of a queue in bytes.</summary>
    public int MaxPayloadBytes(string queue) =>
        options.Value.Queues.TryGetValue(queue, out var own) ? own.MaxPayloadBytes : new ClientQueueOptions().MaxPayloadBytes;

    /// <summary>The job, with the queue's number of attempts where it has none of its own.</summary>
    public Job Present(Job job) =>
        job.MaxAttempts is null && options.Value.Queues.TryGetValue(job.Queue, out var own) ? job with { MaxAttempts = own.Retry.Retries + 1 } : job;

    /// <summary>What happens to a queue per second; null when this silo does not serve it, or has not looked twice yet.</summary>
    public QueueRates? RatesOf(string queue) => monitor?.RatesOf(queue);

    /// <summary>How long the last jobs that this silo started had waited; null when there was none.</summary>
    public WaitSummary? WaitsOf(string queue) => served?.Find(queue)?.Waits.Summarize();

    /// <summary>The lists of a queue that is configured here, with their lengths; null for another.</summary>
    public async Task<IReadOnlyList<ListLength>?> ListsAsync(string queue, CancellationToken cancellationToken)
    {
        if (!options.Value.Queues.TryGetValue(queue, out var own)) return null;
        var lengths = own.AllLists().Select(list => LengthAsync(list, cancellationToken));
        return await Task.WhenAll(lengths);
    }

    private async Task<ListLength> LengthAsync(ListOptions list, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await redis.ExecuteAsync(new RedisCommand("LLEN", list.Name), cancellationToken);
            return new ListLength(list.Name, list.Priority, reply.AsInteger(), null);
        }
        catch (RedisServerException e) when (e.Code == RedisErrorCode.WrongType)
        {
            return new ListLength(list.Name, list.Priority, null, $"The key '{list.Name}' is no list.");
        }
    }
}

/// <summary>A list of a queue.</summary>
/// <param name="Name">The key.</param>
/// <param name="Priority">The priority of what is pushed to it, 0 (first) to 9; null where only other silos know it.</param>
/// <param name="Length">Items in it; null when that cannot be said.</param>
/// <param name="Error">Why not.</param>
internal sealed record ListLength(string Name, int? Priority, long? Length, string? Error);
