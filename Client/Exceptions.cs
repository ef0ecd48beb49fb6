using Gristmill.Redis;

namespace Gristmill.Client;

/// <summary>What the client's own refusals have in common. Failures of Redis itself are <see cref="RedisException"/>s.</summary>
public abstract class GristmillClientException : Exception
{
    private protected GristmillClientException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>A job that no silo could take: a field or the payload is out of its bounds. Nothing was enqueued.</summary>
public sealed class InvalidJobException : GristmillClientException
{
    internal InvalidJobException(string field, string reason, string message, int? index = null)
        : base(message)
    {
        Field = field;
        Reason = reason;
        Index = index;
    }

    /// <summary>The field that is wrong: payload, id, sessionId, sequence, sessionTotal, priority, maxAttempts, timeoutSeconds, runAt, dependsOn, replyTo.</summary>
    public string Field { get; }

    /// <summary>too_large, malformed, invalid_field or foreign_dialect.</summary>
    public string Reason { get; }

    /// <summary>The place of the job among several, from 0; null for a single one.</summary>
    public int? Index { get; }
}

/// <summary>The id belongs to a job with another payload. Nothing was enqueued.</summary>
public sealed class JobConflictException : GristmillClientException
{
    internal JobConflictException(string queue, string id)
        : base($"The queue '{queue}' has a job with the id '{id}' and another payload. Use another id, or the same payload.")
    {
        Queue = queue;
        Id = id;
    }

    /// <summary>The queue.</summary>
    public string Queue { get; }

    /// <summary>The id.</summary>
    public string Id { get; }
}

/// <summary>The queue has no such job: it never had, or its record is no longer kept.</summary>
public sealed class JobNotFoundException : GristmillClientException
{
    internal JobNotFoundException(string queue, string id)
        : base($"The queue '{queue}' has no job '{id}': there was none, its record is no longer kept, or it was pushed to the list and not admitted yet.")
    {
        Queue = queue;
        Id = id;
    }

    /// <summary>The queue.</summary>
    public string Queue { get; }

    /// <summary>The id.</summary>
    public string Id { get; }
}

/// <summary>A result was asked of a job that ended without one, or has not ended; the message says what became of it.</summary>
public sealed class JobNotCompletedException : InvalidOperationException
{
    internal JobNotCompletedException(string message, Job job)
        : base(message) => Job = job;

    /// <summary>The job as it stood.</summary>
    public Job Job { get; }
}

/// <summary>Enqueueing stopped: Redis failed, or the queue is full. Says what was enqueued before.</summary>
public class EnqueueFailedException : GristmillClientException
{
    internal EnqueueFailedException(string message, IReadOnlyList<JobHandle> enqueued, int uncertain, Exception? inner)
        : base(message, inner)
    {
        Enqueued = enqueued;
        Uncertain = uncertain;
    }

    /// <summary>The jobs before the failure, in the order in which they were given.</summary>
    public IReadOnlyList<JobHandle> Enqueued { get; }

    /// <summary>
    /// How many jobs behind those may have been enqueued or not: the call was sent and no answer came. 0 means that none
    /// was, and that enqueueing the rest again is safe. Jobs with an explicit id are safe to enqueue again in either case.
    /// </summary>
    public int Uncertain { get; }
}

/// <summary>The queue holds as many jobs as it may, ready or waiting; the message says which. Try again when silos have made room.</summary>
public sealed class QueueFullException : EnqueueFailedException
{
    private QueueFullException(string message, string queue, IReadOnlyList<JobHandle> enqueued)
        : base(message, enqueued, 0, null) => Queue = queue;

    internal static QueueFullException Ready(string queue, int bound, IReadOnlyList<JobHandle> enqueued) => new(
        $"The queue '{queue}' has no room: with this, more than {bound} jobs would be ready ({nameof(ClientQueueOptions.MaxReady)}).", queue, enqueued);

    internal static QueueFullException Waiting(string queue, int bound, IReadOnlyList<JobHandle> enqueued) => new(
        $"The queue '{queue}' has no room: with this, more than {bound} jobs would wait for their time, for other jobs or for another attempt ({nameof(ClientQueueOptions.MaxWaiting)}; a silo's WaitingLimit).", queue, enqueued);

    /// <summary>The queue.</summary>
    public string Queue { get; }
}
