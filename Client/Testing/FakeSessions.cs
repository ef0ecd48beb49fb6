using Gristmill.Store;

namespace Gristmill.Client.Testing;

/// <summary>The sessions that the jobs of a fake queue name. It does not order them, and none ends but by a call.</summary>
internal sealed class FakeSessions(FakeQueue queue) : ISessions
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _ended = [];

    public Task<SessionList> ListAsync(string? cursor = null, int limit = 100, CancellationToken cancellationToken = default)
    {
        queue.Reach(cancellationToken);
        var (page, next) = FakePage.Of(queue.Jobs.GroupBy(j => j.Job.SessionId).Where(g => g.Key is not null).Select(g => Map(g.Key!, [.. g])), cursor, limit);
        return Task.FromResult(new SessionList(page, next));
    }

    public Task<Session?> GetAsync(string id, CancellationToken cancellationToken = default)
    {
        queue.Reach(cancellationToken);
        return Task.FromResult(Of(id) is { Count: > 0 } jobs ? Map(id, jobs) : null);
    }

    public Task<SessionJobList> JobsAsync(string id, string? cursor = null, int limit = 100, CancellationToken cancellationToken = default)
    {
        queue.Reach(cancellationToken);
        var ordered = Of(id).Select((job, place) => (Order: (long)(job.Session.Sequence ?? place), job.Job)).OrderBy(j => j.Order);
        var (page, next) = FakePage.Of(ordered.Select(j => new SessionJob(j.Order, j.Job.Id, j.Job.State, j.Job.Result)), cursor, limit);
        return Task.FromResult(new SessionJobList(page, next));
    }

    public Task<SessionVerdict> EndAsync(string id, CancellationToken cancellationToken = default) => MoveAsync(id, "completed", cancellationToken);

    public async Task<SessionVerdict> CancelAsync(string id, CancellationToken cancellationToken = default)
    {
        var verdict = await MoveAsync(id, "cancelled", cancellationToken).ConfigureAwait(false);
        if (verdict == SessionVerdict.Accepted)
        {
            foreach (var job in Of(id)) job.Cancel("session_cancelled");
        }

        return verdict;
    }

    private Task<SessionVerdict> MoveAsync(string id, string state, CancellationToken cancellationToken)
    {
        queue.Reach(cancellationToken);
        if (Of(id).Count == 0) return Task.FromResult(SessionVerdict.Unknown);
        lock (_gate) return Task.FromResult(_ended.TryAdd(id, state) ? SessionVerdict.Accepted : SessionVerdict.Over);
    }

    private List<FakeJob> Of(string id) => [.. queue.Jobs.Where(j => j.Job.SessionId == id)];

    private Session Map(string id, List<FakeJob> jobs)
    {
        string? ended;
        lock (_gate) ended = _ended.GetValueOrDefault(id);
        long Count(params JobState[] states) => jobs.Count(j => states.Contains(j.Job.State));
        var (done, total) = (Count(JobState.Completed), jobs.Select(j => j.Session.Total).FirstOrDefault(t => t is not null) ?? (ended is null ? null : jobs.Count));
        return new Session
        {
            Id = id,
            Queue = queue.Name,
            State = ended ?? "open",
            Done = done,
            Total = total,
            Percent = total is { } all ? Math.Round(100.0 * done / all, 1) : null,
            Failed = Count(JobState.Dead),
            Cancelled = Count(JobState.Cancelled),
            Arrived = jobs.Count,
            Waiting = Count(JobState.Deferred, JobState.Scheduled),
            Active = Count(JobState.Queued, JobState.Running, JobState.Retrying),
            OpenedAt = jobs.Min(j => j.Job.EnqueuedAt),
            ChangedAt = jobs.Max(j => j.Job.FinishedAt ?? j.Job.StartedAt ?? j.Job.EnqueuedAt),
        };
    }
}
