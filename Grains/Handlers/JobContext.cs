using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Grains.Handlers;

/// <summary>What a handler is told of its job, and where it reports to. One per attempt; safe from any thread.</summary>
/// <param name="attempt">The attempt; tests of handlers make one by hand.</param>
/// <param name="progress">Takes progress; null drops it.</param>
/// <param name="logger">Takes log lines; null drops them.</param>
public sealed class JobContext(JobAttempt attempt, IProgressSink? progress = null, ILogger? logger = null)
{
    private ILogger? _jobLogger;

    /// <summary>The queue's configured name.</summary>
    public string Queue => attempt.Queue;

    /// <summary>The job's id, unique in its queue.</summary>
    public string JobId => attempt.JobId;

    /// <summary>The session the job belongs to, if any.</summary>
    public string? SessionId => attempt.SessionId;

    /// <summary>Which attempt this is, from 1.</summary>
    public int Attempt => attempt.Attempt;

    /// <summary>How many attempts the job's policy allows in all.</summary>
    public int MaxAttempts => attempt.MaxAttempts;

    /// <summary>When the job was pushed, or admitted where the producer did not say.</summary>
    public DateTimeOffset EnqueuedAt => attempt.EnqueuedAt;

    /// <summary>
    /// The token of the lease that this attempt runs under. Hand it to systems that can refuse writes of an older one.
    /// </summary>
    public string FencingToken => attempt.FencingToken;

    /// <summary>The same for all attempts of the job (<c>queue/jobId</c>): the key to make side effects happen once.</summary>
    public string IdempotencyKey => attempt.IdempotencyKey;

    /// <summary>The payload's raw bytes, whatever the handler's payload type.</summary>
    public ReadOnlyMemory<byte> Payload => attempt.Payload;

    /// <summary>The W3C trace context that this attempt belongs to, if any.</summary>
    public string? TraceParent => attempt.TraceParent;

    /// <summary>The device that the attempt runs on, with the memory that is kept for it there; null where the queue has no <c>Gpu</c>.</summary>
    public JobGpu? Gpu => attempt.Gpu;

    /// <summary>A logger whose lines carry queue, job, session, attempt and trace id; made on first use.</summary>
    public ILogger Logger =>
        _jobLogger ??= logger is null ? NullLogger.Instance : new JobLogger(logger, new JobLogScope(attempt));

    /// <summary>Reports progress. Cheap and never blocks, so call it as often as is natural; reports are thinned out.</summary>
    /// <param name="done">Units done, from 0.</param>
    /// <param name="total">Units in all; 0 where unknown.</param>
    /// <param name="message">What is being done, for people.</param>
    public void ReportProgress(long done, long total, string? message = null) => progress?.Report(done, total, message);
}
