using Gristmill.Store;
using Gristmill.Store.Sessions;

namespace Gristmill.Client;

/// <summary>The sessions of one queue, as the store has them.</summary>
internal sealed class Sessions(QueueStore store, RetryPolicy retry) : ISessions
{
    public Task<SessionList> ListAsync(string? cursor = null, int limit = 100, CancellationToken cancellationToken = default) =>
        retry.RepeatableAsync(
            async token =>
            {
                var page = await store.SessionsAsync(cursor, limit, token).ConfigureAwait(false);
                return new SessionList([.. page.Sessions.Select(Map)], page.Cursor);
            },
            cancellationToken);

    public Task<Session?> GetAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        return retry.RepeatableAsync(
            async token => await store.SessionAsync(id, token).ConfigureAwait(false) is { } view ? Map(view) : null, cancellationToken);
    }

    public Task<SessionJobList> JobsAsync(string id, string? cursor = null, int limit = 100, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        return retry.RepeatableAsync(
            async token =>
            {
                var page = await store.SessionJobsAsync(id, cursor, limit, token).ConfigureAwait(false);
                return new SessionJobList([.. page.Jobs.Select(j => new SessionJob(j.Order, j.Job.Id, j.Job.State, JobMapper.Json(j.Job.Result)))], page.Cursor);
            },
            cancellationToken);
    }

    public Task<SessionVerdict> EndAsync(string id, CancellationToken cancellationToken = default) => MoveAsync(id, store.EndSessionAsync, cancellationToken);

    public Task<SessionVerdict> CancelAsync(string id, CancellationToken cancellationToken = default) => MoveAsync(id, store.CancelSessionAsync, cancellationToken);

    private Task<SessionVerdict> MoveAsync(string id, Func<string, CancellationToken, ValueTask<string>> move, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(id);
        return retry.RepeatableAsync(
            async token => await move(id, token).ConfigureAwait(false) switch
            {
                "unknown" => SessionVerdict.Unknown,
                "over" => SessionVerdict.Over,
                _ => SessionVerdict.Accepted,
            },
            cancellationToken);
    }

    private static Session Map(SessionView view) => new()
    {
        Id = view.Id,
        Queue = view.Queue,
        State = view.State.ToString().ToLowerInvariant(),
        Done = view.Done,
        Total = view.Total,
        Percent = view.Percent,
        Failed = view.Failed,
        Cancelled = view.Cancelled,
        Missing = view.Missing,
        Arrived = view.Arrived,
        Waiting = view.Waiting,
        Active = view.Active,
        HeldBy = view.HeldBy.Count,
        OpenedAt = view.OpenedAt,
        ChangedAt = view.ChangedAt,
    };
}
