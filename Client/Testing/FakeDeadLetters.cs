using Gristmill.Store;

namespace Gristmill.Client.Testing;

/// <summary>The dead jobs of a fake queue.</summary>
internal sealed class FakeDeadLetters(FakeQueue queue) : IDeadLetters
{
    public Task<DeadLetterList> ListAsync(string? cursor = null, int limit = 100, CancellationToken cancellationToken = default)
    {
        queue.Reach(cancellationToken);
        var (page, next) = FakePage.Of(Dead().Reverse().Select(j => Map(j.Job)), cursor, limit);
        return Task.FromResult(new DeadLetterList(page, next));
    }

    public Task<DeadLetter?> GetAsync(string id, CancellationToken cancellationToken = default)
    {
        queue.Reach(cancellationToken);
        return Task.FromResult(queue.Find(id) is { Job.State: JobState.Dead } job ? Map(job.Job) : null);
    }

    public Task<IReadOnlyList<DeadLetter>> FindByPayloadIdAsync(string payloadId, CancellationToken cancellationToken = default)
    {
        // Jobs whose payload is refused are refused by the client itself here: there are none.
        queue.Reach(cancellationToken);
        return Task.FromResult<IReadOnlyList<DeadLetter>>([]);
    }

    public Task<RequeueOutcome> RequeueAsync(string id, ReadOnlyMemory<byte>? payload = null, CancellationToken cancellationToken = default)
    {
        if (payload is { } edited) JobComposer.CheckPayload(edited, queue.Settings);
        queue.Reach(cancellationToken);
        var job = queue.Find(id);
        if (job is null || job.Job.IsFinished && job.Job.State != JobState.Dead) return Task.FromResult(RequeueOutcome.Unknown);
        return Task.FromResult(job.Requeue(payload));
    }

    public Task<long> RequeueAllAsync(DeadLetterFilter? filter = null, CancellationToken cancellationToken = default)
    {
        queue.Reach(cancellationToken);
        return Task.FromResult<long>(Matching(filter).Count(j => j.Requeue(null) == RequeueOutcome.Requeued));
    }

    public Task<bool> PurgeAsync(string id, CancellationToken cancellationToken = default)
    {
        queue.Reach(cancellationToken);
        return Task.FromResult(queue.Find(id) is { Job.State: JobState.Dead } job && queue.Remove(job));
    }

    public Task<long> PurgeAllAsync(DeadLetterFilter? filter = null, CancellationToken cancellationToken = default)
    {
        queue.Reach(cancellationToken);
        return Task.FromResult<long>(Matching(filter).Count(queue.Remove));
    }

    private static DeadLetter Map(Job job)
    {
        var isText = System.Text.Unicode.Utf8.IsValid(job.Payload.Span);
        return new DeadLetter
        {
            Id = job.Id,
            Queue = job.Queue,
            Reason = job.Reason!,
            Attempts = job.Attempt,
            Errors = job.Errors,
            SessionId = job.SessionId,
            EnqueuedAt = job.EnqueuedAt,
            DiedAt = job.FinishedAt!.Value,
            Payload = isText ? JobMapper.Json(job.Payload) : null,
            PayloadBase64 = isText ? null : Convert.ToBase64String(job.Payload.Span),
            PayloadBytes = job.Payload.Length,
            RawPayload = job.Payload,
        };
    }

    private IEnumerable<FakeJob> Dead() => queue.Jobs.Where(j => j.Job.State == JobState.Dead);

    private List<FakeJob> Matching(DeadLetterFilter? filter) => [.. Dead().Where(j => filter is null || filter.Matches(Map(j.Job)))];
}
