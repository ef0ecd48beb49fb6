using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>
/// The dead letters of one queue. What acts on many first notes the numbers of those that match, page by page and only of
/// those that were dead at the beginning, and then moves them in batches: jobs that die again meanwhile are left alone.
/// </summary>
internal sealed class DeadLetters(QueueStore store, QueueSettings settings, RetryPolicy retry) : IDeadLetters
{
    // Payloads come with each page: small pages bound the memory.
    private const int PageSize = 100;
    private const int BatchSize = 500;

    // By the id of a payload there is no index: so many pages are looked through.
    private const int MaxPages = 10;

    public Task<DeadLetterList> ListAsync(string? cursor = null, int limit = 100, CancellationToken cancellationToken = default) =>
        retry.RepeatableAsync(
            async token =>
            {
                var page = await store.ListAsync(JobState.Dead, cursor, limit, token).ConfigureAwait(false);
                return new DeadLetterList([.. page.Jobs.Where(IsDead).Select(Map)], page.Cursor);
            },
            cancellationToken);

    public async Task<DeadLetter?> GetAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        var view = await retry.RepeatableAsync(token => store.GetAsync(id, token), cancellationToken).ConfigureAwait(false);
        return view is not null && IsDead(view) ? Map(view) : null;
    }

    public Task<IReadOnlyList<DeadLetter>> FindByPayloadIdAsync(string payloadId, CancellationToken cancellationToken = default) =>
        FindAsync(this, payloadId, cancellationToken);

    /// <summary>Looks through the newest dead letters of any client for those whose payload gave this id.</summary>
    public static async Task<IReadOnlyList<DeadLetter>> FindAsync(IDeadLetters letters, string payloadId, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(payloadId);
        var found = new List<DeadLetter>();
        string? cursor = null;
        for (var page = 0; page < MaxPages && (page == 0 || cursor is not null); page++)
        {
            var list = await letters.ListAsync(cursor, PageSize, cancellationToken).ConfigureAwait(false);
            found.AddRange(list.DeadLetters.Where(d => d.PayloadId == payloadId));
            cursor = list.Cursor;
        }

        return found;
    }

    public async Task<RequeueOutcome> RequeueAsync(string id, ReadOnlyMemory<byte>? payload = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        var options = await settings.GetAsync(cancellationToken).ConfigureAwait(false);
        if (payload is { } edited) JobComposer.CheckPayload(edited, options);
        var view = await retry.RepeatableAsync(token => store.GetAsync(id, token), cancellationToken).ConfigureAwait(false);
        if (view is null) return RequeueOutcome.Unknown;
        if (!IsDead(view)) return JobStates.IsFinal(view.State) ? RequeueOutcome.Unknown : RequeueOutcome.Live;
        var verdicts = await retry.RunAsync(
            token => store.RequeueAsync([(view.Seq, payload)], options.IdWindow, token), repeatable: false, cancellationToken).ConfigureAwait(false);
        return RequeueVerdict.Parse(verdicts[0].Verdict);
    }

    public async Task<long> RequeueAllAsync(DeadLetterFilter? filter = null, CancellationToken cancellationToken = default)
    {
        long requeued = 0;
        var options = await settings.GetAsync(cancellationToken).ConfigureAwait(false);
        foreach (var batch in (await MatchingAsync(filter, cancellationToken).ConfigureAwait(false)).Chunk(BatchSize))
        {
            var jobs = batch.Select(seq => (seq, (ReadOnlyMemory<byte>?)null)).ToArray();
            var verdicts = await retry.RunAsync(
                token => store.RequeueAsync(jobs, options.IdWindow, token), repeatable: false, cancellationToken).ConfigureAwait(false);
            requeued += verdicts.Count(v => RequeueVerdict.Parse(v.Verdict) == RequeueOutcome.Requeued);
        }

        return requeued;
    }

    public async Task<bool> PurgeAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        var (seq, _) = await retry.RepeatableAsync(token => store.FindAsync(id, token), cancellationToken).ConfigureAwait(false);
        return seq is { } number
            && await retry.RunAsync(token => store.PurgeAsync([number], token), repeatable: false, cancellationToken).ConfigureAwait(false) > 0;
    }

    public async Task<long> PurgeAllAsync(DeadLetterFilter? filter = null, CancellationToken cancellationToken = default)
    {
        long purged = 0;
        foreach (var batch in (await MatchingAsync(filter, cancellationToken).ConfigureAwait(false)).Chunk(BatchSize))
        {
            purged += await retry.RunAsync(token => store.PurgeAsync(batch, token), repeatable: false, cancellationToken).ConfigureAwait(false);
        }

        return purged;
    }

    private static bool IsDead(JobView view) => view.State == JobState.Dead;

    private static DeadLetter Map(JobView view)
    {
        var header = view.Header;
        var isText = System.Text.Unicode.Utf8.IsValid(view.Payload.Span);
        return new DeadLetter
        {
            Id = view.Id,
            PayloadId = header.GivenId,
            Queue = view.Queue,
            Seq = view.Seq,
            Reason = header.Reason ?? "unknown",
            Attempts = view.Attempt,
            Errors = [.. header.Errors.Select(e => new JobFailure(DateTimeOffset.FromUnixTimeMilliseconds(e.At), e.Attempt, e.Kind, e.Message))],
            SessionId = header.SessionId,
            EnqueuedAt = DateTimeOffset.FromUnixTimeMilliseconds(header.EnqueuedAt),
            DiedAt = DateTimeOffset.FromUnixTimeMilliseconds(header.FinishedAt),
            Payload = isText ? JobMapper.Json(view.Payload) : null,
            PayloadBase64 = isText ? null : Convert.ToBase64String(view.Payload.Span),
            PayloadBytes = view.Payload.Length,
            RawPayload = view.Payload,
        };
    }

    // Oldest first, so that requeued jobs keep the order in which they died.
    private async Task<List<long>> MatchingAsync(DeadLetterFilter? filter, CancellationToken cancellationToken)
    {
        var counts = await retry.RepeatableAsync(store.CountAsync, cancellationToken).ConfigureAwait(false);
        var found = new List<long>();
        string? cursor = null;
        do
        {
            var page = await ListAsync(cursor, PageSize, cancellationToken).ConfigureAwait(false);
            found.AddRange(page.DeadLetters.Where(d => d.DiedAt <= counts.Now && (filter is null || filter.Matches(d))).Select(d => d.Seq));
            cursor = page.Cursor;
        }
        while (cursor is not null);
        found.Reverse();
        return found;
    }
}
