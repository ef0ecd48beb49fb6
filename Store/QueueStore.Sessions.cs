using System.Globalization;
using Gristmill.Redis;
using Gristmill.Store.Sessions;

namespace Gristmill.Store;

// Sessions: the views, how they end, and what time brings about.
public sealed partial class QueueStore
{
    private const long Orders = SessionPolicy.MaxSequence + 1L;

    /// <summary>How far a session is; null when nobody knows it (any more).</summary>
    public async ValueTask<SessionView?> SessionAsync(string session, CancellationToken cancellationToken = default)
    {
        var reply = await RunAsync(Call("session_view").AddArg(session), cancellationToken).ConfigureAwait(false);
        if (reply[1].AsInteger() == 0) return null;
        var active = Strings(reply[14]);
        var percent = reply[12].AsInteger();
        var total = reply[7].AsInteger();
        return new SessionView
        {
            Queue = Name,
            Id = session,
            State = StateOf(reply[2].AsString()),
            Outcome = OutcomeOf(reply[2].AsString()),
            Done = reply[3].AsInteger(),
            Failed = reply[4].AsInteger(),
            Cancelled = reply[5].AsInteger(),
            Missing = reply[6].AsInteger(),
            Total = total > 0 ? total : null,
            Arrived = reply[8].AsInteger(),
            Waiting = reply[9].AsInteger(),
            Active = active.Count(a => !IsHeld(a)),
            HeldBy = [.. active.Where(IsHeld).Select(a => long.Parse(a.AsSpan(0, a.Length - 1), CultureInfo.InvariantCulture))],
            OpenedAt = DateTimeOffset.FromUnixTimeMilliseconds(reply[10].AsInteger()),
            ChangedAt = DateTimeOffset.FromUnixTimeMilliseconds(reply[11].AsInteger()),
            Percent = percent < 0 ? null : percent / 10.0,
        };
    }

    /// <summary>A page of sessions, those that are over among them as long as they are kept.</summary>
    /// <param name="cursor">From the page before; null for the first.</param>
    /// <param name="limit">About how many, 1 to <see cref="MaxPage"/>.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="FormatException">The cursor is none of this queue's.</exception>
    public async ValueTask<SessionPage> SessionsAsync(string? cursor, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MaxPage);
        if (cursor is not null) ParseCursor(cursor);
        var reply = await redis.ExecuteAsync(new RedisCommand("HSCAN", keys.Of("sessions"), cursor ?? "0", "COUNT").Add(limit), cancellationToken).ConfigureAwait(false);
        var views = new List<SessionView>();
        for (var i = 0; i + 1 < reply[1].Count; i += 2)
        {
            if (await SessionAsync(reply[1][i].AsString(), cancellationToken).ConfigureAwait(false) is { } view) views.Add(view);
        }

        var next = reply[0].AsString();
        return new SessionPage(views, next == "0" ? null : next);
    }

    /// <summary>The jobs of a session in its order, with their results.</summary>
    /// <param name="session">The session.</param>
    /// <param name="cursor">From the page before; null for the first.</param>
    /// <param name="limit">1 to <see cref="MaxPage"/>.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="FormatException">The cursor is none of this queue's.</exception>
    public async ValueTask<SessionJobs> SessionJobsAsync(string session, string? cursor, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MaxPage);
        var (from, given) = cursor is null ? (0, 0) : ParseLine(cursor, 0);
        var record = (await redis.ExecuteAsync(new RedisCommand("HGET", keys.Of("sessions"), session), cancellationToken).ConfigureAwait(false)).AsStringOrNull();
        if (record is null) return new SessionJobs([], null);
        var first = long.Parse(record.AsSpan(0, record.IndexOf(' ', StringComparison.Ordinal)), CultureInfo.InvariantCulture) * Orders;

        // From the last order of the page before on: how many came before that costs nothing. Of jobs with that order those given are passed over.
        var command = new RedisCommand("ZRANGEBYSCORE", keys.Of("members")).Add(first + Math.Clamp(from, 0, Orders - 1)).Add(first + Orders - 1).Add("WITHSCORES").Add("LIMIT").Add(given).Add(limit + 1);
        var rows = Scored(await redis.ExecuteAsync(command, cancellationToken).ConfigureAwait(false));
        var page = rows.Take(limit).ToList();
        var epoch = await EpochAsync(cancellationToken).ConfigureAwait(false);
        var part = await ReadWithinAsync([.. page.Select(r => r.Seq)], epoch, MaxPageBytes, cancellationToken).ConfigureAwait(false);
        var jobs = part.Jobs.ToDictionary(j => j.Seq);
        page = [.. page.Take(part.Read)];
        return new SessionJobs(
            [.. page.Where(r => jobs.ContainsKey(r.Seq)).Select(r => ((long)r.Score - first, jobs[r.Seq]))],
            rows.Count > page.Count ? CursorBehind(page, first, from, given) : null);
    }

    // The last order of a page, and how many jobs of that order were given by now.
    private static string CursorBehind(List<(long Seq, double Score)> page, long first, long from, int given)
    {
        var last = (long)page[^1].Score - first;
        var same = page.Count(r => (long)r.Score - first == last) + (last == from ? given : 0);
        return string.Create(CultureInfo.InvariantCulture, $"{last}~{same}");
    }

    /// <summary>Ends a session: what has come is worked off.</summary>
    /// <returns>ended, over (too late) or unknown.</returns>
    public ValueTask<string> EndSessionAsync(string session, CancellationToken cancellationToken = default) => MoveSessionAsync(session, "e", cancellationToken);

    /// <summary>Cancels a session with all that it holds. Silos do it as they hear of it, some hundred jobs at a time.</summary>
    /// <returns>cancelling, over (too late) or unknown.</returns>
    public ValueTask<string> CancelSessionAsync(string session, CancellationToken cancellationToken = default) => MoveSessionAsync(session, "k", cancellationToken);

    /// <summary>Says that a session's finalising job is enqueued: it is over.</summary>
    public async ValueTask CloseSessionAsync(string session, CancellationToken cancellationToken = default) => await MoveSessionAsync(session, "c", cancellationToken).ConfigureAwait(false);

    /// <summary>Looks at sessions whose time has come.</summary>
    /// <param name="maxItems">Sessions, and jobs of each that are cancelled, in this call.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    public async ValueTask<SessionStepReply> StepSessionsAsync(int maxItems, CancellationToken cancellationToken = default)
    {
        var reply = await RunAsync(Call("session_step").AddArg(keys.Events).AddArg(keys.Control).AddArg(maxItems), cancellationToken).ConfigureAwait(false);
        var gaps = new List<(string, long)>();
        for (var i = 0; i + 1 < reply[3].Count; i += 2) gaps.Add((reply[3][i].AsString(), reply[3][i + 1].AsInteger()));
        return new SessionStepReply(Strings(reply[2]), gaps, reply[4].AsInteger() == 1);
    }

    private async ValueTask<string> MoveSessionAsync(string session, string verb, CancellationToken cancellationToken)
    {
        var call = Call("session_end").AddArg(keys.Events).AddArg(keys.Control).AddArg(session).AddArg(verb);
        return (await RunAsync(call, cancellationToken).ConfigureAwait(false))[1].AsString();
    }

    private static bool IsHeld(string active) => active.EndsWith('!');

    private static SessionState? OutcomeOf(string letter) => letter switch
    {
        "c" or "C" => SessionState.Completed,
        "f" or "F" or "q" => SessionState.Failed,
        "x" or "X" or "k" => SessionState.Cancelled,
        _ => null,
    };

    private static SessionState StateOf(string letter) => letter switch
    {
        "o" => SessionState.Open,
        "e" => SessionState.Ending,
        "q" => SessionState.Failing,
        "k" => SessionState.Cancelling,
        "C" => SessionState.Completed,
        "F" => SessionState.Failed,
        "X" => SessionState.Cancelled,
        _ => SessionState.Finalising,
    };
}
