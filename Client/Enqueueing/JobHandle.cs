using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>A job that was handed over, and what can be asked of it.</summary>
public sealed class JobHandle
{
    private readonly IQueueClient _queue;

    internal JobHandle(IQueueClient queue, string id, EnqueueOutcome outcome)
    {
        _queue = queue;
        Id = id;
        Outcome = outcome;
    }

    /// <summary>The job as it was made, where nothing but a free slot keeps it from starting; null where only a look can tell.</summary>
    internal JobView? Made { get; init; }

    /// <summary>The job's id.</summary>
    public string Id { get; }

    /// <summary>The queue.</summary>
    public string Queue => _queue.Name;

    /// <summary>What became of it.</summary>
    public EnqueueOutcome Outcome { get; }

    /// <summary>
    /// Whether this call made the job; false where the id was known. When a call with an explicit id had to be repeated
    /// because its first answer was lost, false as well; with an id of the client's own making true.
    /// </summary>
    public bool Created => Outcome is EnqueueOutcome.Created or EnqueueOutcome.Cancelled;

    /// <inheritdoc cref="IQueueClient.GetAsync"/>
    public Task<Job?> GetAsync(CancellationToken cancellationToken = default) => _queue.GetAsync(Id, cancellationToken);

    /// <inheritdoc cref="IQueueClient.WatchAsync"/>
    public IAsyncEnumerable<JobEvent> WatchAsync(CancellationToken cancellationToken = default) => _queue.WatchAsync(Id, cancellationToken);

    /// <inheritdoc cref="IQueueClient.WaitAsync"/>
    public Task<Job> WaitAsync(CancellationToken cancellationToken = default) => _queue.WaitAsync(Id, cancellationToken);

    /// <inheritdoc cref="IQueueClient.CancelAsync"/>
    public Task<CancelOutcome> CancelAsync(string? reason = null, CancellationToken cancellationToken = default) => _queue.CancelAsync(Id, reason, cancellationToken);

    /// <inheritdoc cref="IQueueClient.RetryAsync"/>
    public Task<RequeueOutcome> RetryAsync(CancellationToken cancellationToken = default) => _queue.RetryAsync(Id, cancellationToken);

    /// <summary>Queue, id and outcome.</summary>
    public override string ToString() => $"{Queue}/{Id} ({Outcome})";
}
