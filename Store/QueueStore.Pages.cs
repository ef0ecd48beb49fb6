using System.Globalization;
using Gristmill.Redis;

namespace Gristmill.Store;

// Pages of jobs by cursor. None costs more for a longer backlog: the indexes are read from where the page before ended.
public sealed partial class QueueStore
{
    /// <summary>The most jobs that a page has.</summary>
    public const int MaxPage = 1000;

    // Jobs of a page that has to be taken as it comes.
    private const int MostScanned = 100;

    // Running or deferred jobs that are read to be sorted: some milliseconds of Redis.
    private const int MaxSorted = 10_000;

    // Payloads and results come with the jobs: a page ends where it has so many bytes, and at least one job. The first jobs
    // are read without knowing how large they are.
    private const long MaxPageBytes = 16 * 1024 * 1024;
    private const int FirstRead = 8;

    // How many runs of numbers one page looks through before it gives back a cursor with what it has.
    private const int MaxSteps = 20;

    /// <summary>A page of jobs, newest first.</summary>
    /// <param name="state">Only jobs in this state; null for all.</param>
    /// <param name="cursor">From the page before; null for the first.</param>
    /// <param name="limit">1 to <see cref="MaxPage"/>.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="FormatException">The cursor is none of this queue's.</exception>
    public async ValueTask<JobPage> ListAsync(JobState? state, string? cursor, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MaxPage);
        return state switch
        {
            JobState.Queued => await ListQueuedAsync(cursor, limit, cancellationToken).ConfigureAwait(false),
            JobState.Scheduled => await ListIndexAsync("scheduled", cursor, limit, cancellationToken).ConfigureAwait(false),
            JobState.Retrying => await ListIndexAsync("retrying", cursor, limit, cancellationToken).ConfigureAwait(false),
            JobState.Dead => await ListIndexAsync("dead", cursor, limit, cancellationToken).ConfigureAwait(false),
            JobState.Running => await ListFieldsAsync("running", cursor, limit, cancellationToken).ConfigureAwait(false),
            JobState.Deferred => await ListFieldsAsync("deferred", cursor, limit, cancellationToken).ConfigureAwait(false),
            JobState.Completed or JobState.Cancelled => await ListFinishedAsync(state.Value, cursor, limit, cancellationToken).ConfigureAwait(false),
            _ => await ListAllAsync(cursor, limit, cancellationToken).ConfigureAwait(false),
        };
    }

    // Ready jobs, then those in the lines of sessions.
    private async ValueTask<JobPage> ListQueuedAsync(string? cursor, int limit, CancellationToken cancellationToken)
    {
        const string mark = "line~";
        if (cursor?.StartsWith(mark, StringComparison.Ordinal) != true)
        {
            var page = await ListIndexAsync("ready", cursor, limit, cancellationToken).ConfigureAwait(false);
            if (page.Cursor is not null || (await redis.ExecuteAsync(new RedisCommand("ZCARD", keys.Of("line")), cancellationToken).ConfigureAwait(false)).AsInteger() == 0) return page;
            if (page.Jobs.Count > 0) return page with { Cursor = mark };
            cursor = mark;
        }

        var line = await ListIndexAsync("line", cursor.Length == mark.Length ? null : cursor[mark.Length..], limit, cancellationToken).ConfigureAwait(false);
        return line with { Cursor = line.Cursor is null ? null : mark + line.Cursor };
    }

    // Pages of a sorted set, last first. The cursor is the member that the page before ended with, and its score in case
    // that it is gone by now.
    private async ValueTask<JobPage> ListIndexAsync(string index, string? cursor, int limit, CancellationToken cancellationToken)
    {
        var skip = cursor is null ? 0 : await RankBehindAsync(index, cursor, cancellationToken).ConfigureAwait(false);
        var command = new RedisCommand("ZREVRANGE", keys.Of(index)).Add(skip).Add(skip + limit).Add("WITHSCORES");
        var rows = Scored(await redis.ExecuteAsync(command, cancellationToken).ConfigureAwait(false));
        var page = rows.Take(limit).ToList();
        var part = await ReadWithinAsync([.. page.Select(r => r.Seq)], await EpochAsync(cancellationToken).ConfigureAwait(false), MaxPageBytes, cancellationToken).ConfigureAwait(false);
        return new JobPage(part.Jobs, rows.Count > part.Read ? string.Create(CultureInfo.InvariantCulture, $"{page[part.Read - 1].Score:R}~{page[part.Read - 1].Seq}") : null);
    }

    // How many stand before what comes behind the cursor. Where its member is gone, the place that it would have: behind
    // those of a higher score, and among those of its own by its text, as Redis orders them.
    private async ValueTask<long> RankBehindAsync(string index, string cursor, CancellationToken cancellationToken)
    {
        var parts = cursor.Split('~');
        if (parts.Length != 2 || !double.TryParse(parts[0], CultureInfo.InvariantCulture, out _)) throw new FormatException("The cursor is not valid.");
        var rank = await redis.ExecuteAsync(new RedisCommand("ZREVRANK", keys.Of(index), parts[1]), cancellationToken).ConfigureAwait(false);
        if (!rank.IsNull) return rank.AsInteger() + 1;
        var higherTask = redis.ExecuteAsync(new RedisCommand("ZCOUNT", keys.Of(index), $"({parts[0]}", "+inf"), cancellationToken);
        var equalTask = redis.ExecuteAsync(new RedisCommand("ZCOUNT", keys.Of(index), parts[0], parts[0]), cancellationToken);
        var first = (await higherTask.ConfigureAwait(false)).AsInteger();
        var end = first + (await equalTask.ConfigureAwait(false)).AsInteger();

        // Very many can have one score, such as a time: so they are searched by halves, not read.
        while (first < end)
        {
            var middle = first + (end - first) / 2;
            var found = Strings(await redis.ExecuteAsync(new RedisCommand("ZREVRANGE", keys.Of(index)).Add(middle).Add(middle), cancellationToken).ConfigureAwait(false));
            if (found.Count > 0 && string.CompareOrdinal(found[0], parts[1]) > 0) first = middle + 1;
            else end = middle;
        }

        return first;
    }

    // Members with scores: pairs in a row, or in arrays of two, as the server likes.
    private static List<(long Seq, double Score)> Scored(RedisReply reply)
    {
        var rows = new List<(long, double)>();
        if (reply.Count > 0 && reply[0].IsAggregate)
        {
            foreach (var pair in reply.Items) rows.Add((pair[0].AsInteger(), pair[1].AsDouble()));
        }
        else
        {
            for (var i = 0; i + 1 < reply.Count; i += 2) rows.Add((reply[i].AsInteger(), reply[i + 1].AsDouble()));
        }

        return rows;
    }

    // Pages of a hash: of what runs, or of what waits for other jobs. Its numbers are read and sorted; where it has too many
    // for that, it is gone through in its own order, and a page may have a few more than its limit.
    private async ValueTask<JobPage> ListFieldsAsync(string hash, string? cursor, int limit, CancellationToken cancellationToken)
    {
        const string mark = "scan~";
        if (cursor?.StartsWith(mark, StringComparison.Ordinal) == true) return await ScanFieldsAsync(hash, cursor[mark.Length..], mark, limit, cancellationToken).ConfigureAwait(false);
        if (cursor is null && (await redis.ExecuteAsync(new RedisCommand("HLEN", keys.Of(hash)), cancellationToken).ConfigureAwait(false)).AsInteger() > MaxSorted)
        {
            return await ScanFieldsAsync(hash, "0", mark, limit, cancellationToken).ConfigureAwait(false);
        }

        var below = cursor is null ? long.MaxValue : ParseCursor(cursor);
        var reply = await redis.ExecuteAsync(new RedisCommand("HKEYS", keys.Of(hash)), cancellationToken).ConfigureAwait(false);
        var all = Numbers(reply).Where(s => s < below).OrderDescending().ToList();
        var part = await ReadWithinAsync([.. all.Take(limit)], await EpochAsync(cancellationToken).ConfigureAwait(false), MaxPageBytes, cancellationToken).ConfigureAwait(false);
        return new JobPage(part.Jobs, all.Count > part.Read ? all[part.Read - 1].ToString(CultureInfo.InvariantCulture) : null);
    }

    private async ValueTask<JobPage> ScanFieldsAsync(string hash, string from, string mark, int limit, CancellationToken cancellationToken)
    {
        if (!ulong.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out _)) throw new FormatException("The cursor is not valid.");
        var reply = await redis.ExecuteAsync(new RedisCommand("HSCAN", keys.Of(hash), from, "COUNT").Add(Math.Min(limit, MostScanned)), cancellationToken).ConfigureAwait(false);
        var seqs = new List<long>();
        for (var i = 0; i + 1 < reply[1].Count; i += 2)
        {
            if (ParseSeq(reply[1][i].AsString()) is { } seq) seqs.Add(seq);
        }

        var jobs = await ReadAsync(seqs, await EpochAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        var next = reply[0].AsString();
        return new JobPage(jobs, next == "0" ? null : mark + next);
    }

    // Pages of the finished list, whose lines are batches. The cursor counts lines from the first that there ever was.
    private async ValueTask<JobPage> ListFinishedAsync(JobState state, string? cursor, int limit, CancellationToken cancellationToken)
    {
        var meta = await redis.ExecuteAsync(new RedisCommand("HMGET", keys.Of("meta"), "trimmed", "epoch"), cancellationToken).ConfigureAwait(false);
        var trimmed = meta[0].IsNull ? 0 : meta[0].AsInteger();
        var epoch = meta[1].AsStringOrNull() ?? string.Empty;
        var length = (await redis.ExecuteAsync(new RedisCommand("LLEN", keys.Of("finished")), cancellationToken).ConfigureAwait(false)).AsInteger();
        var (line, offset) = cursor is null ? (length - 1, int.MaxValue) : ParseLine(cursor, trimmed);
        var jobs = new List<JobView>(limit);
        var room = MaxPageBytes;
        for (var step = 0; step < MaxSteps && line >= 0; step++, line--, offset = int.MaxValue)
        {
            var text = (await redis.ExecuteAsync(new RedisCommand("LINDEX", keys.Of("finished")).Add(line), cancellationToken).ConfigureAwait(false)).AsStringOrNull();
            if (text is null) continue;
            var seqs = text.Split(' ').Skip(1).Select(ParseSeq).OfType<long>().ToList();
            var end = Math.Min(offset, seqs.Count);
            while (end > 0)
            {
                var begin = Math.Max(0, end - (limit - jobs.Count));
                var newest = seqs[begin..end];
                newest.Reverse();
                var part = await ReadWithinAsync(newest, epoch, room, cancellationToken).ConfigureAwait(false);
                jobs.AddRange(part.Jobs.Where(j => j.State == state));
                end -= part.Read;
                room -= part.Bytes;
                if (jobs.Count >= limit || room <= 0) return new JobPage(jobs, string.Create(CultureInfo.InvariantCulture, $"{line + trimmed}~{end}"));
            }
        }

        return new JobPage(jobs, line < 0 ? null : string.Create(CultureInfo.InvariantCulture, $"{line + trimmed}~{int.MaxValue}"));
    }

    // Pages of all jobs by number, last first.
    private async ValueTask<JobPage> ListAllAsync(string? cursor, int limit, CancellationToken cancellationToken)
    {
        var meta = await redis.ExecuteAsync(new RedisCommand("HMGET", keys.Of("meta"), "seq", "epoch"), cancellationToken).ConfigureAwait(false);
        var last = meta[0].IsNull ? 0 : meta[0].AsInteger();
        var epoch = meta[1].AsStringOrNull() ?? string.Empty;
        var seq = cursor is null ? last : Math.Min(last, ParseCursor(cursor) - 1);
        var jobs = new List<JobView>(limit);
        var room = MaxPageBytes;
        for (var step = 0; step < MaxSteps && seq > 0; step++)
        {
            var seqs = new List<long>(RedisKeys.RunOfShard);
            for (var s = seq; s > 0 && seqs.Count < Math.Min(limit - jobs.Count, RedisKeys.RunOfShard); s--) seqs.Add(s);
            var part = await ReadWithinAsync(seqs, epoch, room, cancellationToken).ConfigureAwait(false);
            jobs.AddRange(part.Jobs);
            seq = seqs[part.Read - 1] - 1;
            room -= part.Bytes;
            if (jobs.Count >= limit || room <= 0) break;
        }

        return new JobPage(jobs, seq > 0 ? (seq + 1).ToString(CultureInfo.InvariantCulture) : null);
    }

    private static long ParseCursor(string cursor) =>
        long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException("The cursor is not valid.");

    // What is no number of ours, somebody else wrote into the line.
    private static long? ParseSeq(string word) => long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var seq) ? seq : null;

    private static (long Line, int Offset) ParseLine(string cursor, long trimmed)
    {
        var parts = cursor.Split('~');
        return parts.Length == 2 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var line)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var offset)
            ? (line - trimmed, offset)
            : throw new FormatException("The cursor is not valid.");
    }

    // The first of these jobs that fit into so many bytes; Read says how many numbers were looked at, one at least where there is any.
    private async ValueTask<(List<JobView> Jobs, int Read, long Bytes)> ReadWithinAsync(IReadOnlyList<long> seqs, string epoch, long room, CancellationToken cancellationToken)
    {
        var (jobs, read, bytes, next) = (new List<JobView>(seqs.Count), 0, 0L, FirstRead);
        while (read < seqs.Count && (read == 0 || bytes < room))
        {
            var part = await ReadAsync([.. seqs.Skip(read).Take(next)], epoch, cancellationToken).ConfigureAwait(false);
            jobs.AddRange(part);
            read = Math.Min(seqs.Count, read + next);
            bytes += part.Sum(j => (long)j.Payload.Length + j.Result.Length);
            next = (int)Math.Clamp((room - bytes) * read / (bytes + 1), 1, seqs.Count);
        }

        return (jobs, read, bytes);
    }
}
