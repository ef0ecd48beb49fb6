using System.Globalization;
using Gristmill.Redis;

namespace Gristmill.Store;

// The views: one job, pages of jobs, the numbers of the queue. Plain commands, no scripts: a view may be a moment old.
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
    private static readonly string[] TotalNames =
    [
        "claimed", "enqueued", "completed", "retried", "dead", "cancelled", "duplicates", "recovered", "lost", "released", "requeued", "purged",
    ];

    /// <summary>The job with this id; null when there is none.</summary>
    public async ValueTask<JobView?> GetAsync(string id, CancellationToken cancellationToken = default)
    {
        var (seq, epoch) = await FindAsync(id, cancellationToken).ConfigureAwait(false);
        if (seq is null) return null;
        var views = await ReadAsync([seq.Value], epoch, cancellationToken).ConfigureAwait(false);
        return views.Count == 0 ? null : views[0];
    }

    /// <summary>The number of the job with this id, and the queue's epoch; no number when there is no such job.</summary>
    public async ValueTask<(long? Seq, string Epoch)> FindAsync(string id, CancellationToken cancellationToken = default)
    {
        var epochTask = redis.ExecuteAsync(new RedisCommand("HGET", keys.Of("meta"), "epoch"), cancellationToken);
        var entryTask = redis.ExecuteAsync(new RedisCommand("HGET", keys.Of("ids"), id), cancellationToken);
        var epoch = (await epochTask.ConfigureAwait(false)).AsStringOrNull() ?? string.Empty;
        var entry = (await entryTask.ConfigureAwait(false)).AsStringOrNull();
        var owner = entry?.Split(' ')[0];
        if (owner is not null && long.TryParse(owner, CultureInfo.InvariantCulture, out var explicitSeq)) return (explicitSeq, epoch);
        return (OwnSeq(id, epoch), epoch);
    }

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

    /// <summary>The numbers of the queue.</summary>
    public async ValueTask<QueueCounts> CountAsync(CancellationToken cancellationToken = default)
    {
        var meta = new RedisCommand("HMGET", keys.Of("meta"), "epoch", "state", "finished", "lists");
        foreach (var name in TotalNames) meta.Add(name);
        var metaTask = redis.ExecuteAsync(meta, cancellationToken);
        var sizes = new[] { "ready", "scheduled", "retrying", "dead", "line" }.Select(k => redis.ExecuteAsync(new RedisCommand("ZCARD", keys.Of(k)), cancellationToken).AsTask()).ToArray();
        var runningTask = redis.ExecuteAsync(new RedisCommand("HLEN", keys.Of("running")), cancellationToken);
        var deferredTask = redis.ExecuteAsync(new RedisCommand("HLEN", keys.Of("deferred")), cancellationToken);
        var headTask = redis.ExecuteAsync(new RedisCommand("ZRANGE", keys.Of("ready"), "0", "0"), cancellationToken);
        var timeTask = redis.ExecuteAsync(new RedisCommand("TIME"), cancellationToken);

        var values = await metaTask.ConfigureAwait(false);
        var counts = await Task.WhenAll(sizes).ConfigureAwait(false);
        var running = (await runningTask.ConfigureAwait(false)).AsInteger();
        var deferred = (await deferredTask.ConfigureAwait(false)).AsInteger();
        var head = await headTask.ConfigureAwait(false);
        var time = await timeTask.ConfigureAwait(false);
        var totals = new Dictionary<string, long>();
        for (var i = 0; i < TotalNames.Length; i++) totals[TotalNames[i]] = values[i + 4].IsNull ? 0 : values[i + 4].AsInteger();
        return new QueueCounts
        {
            Epoch = values[0].AsStringOrNull() ?? string.Empty,
            Mode = Mode(values[1].AsStringOrNull()),
            Kept = values[2].IsNull ? 0 : values[2].AsInteger(),
            Queued = counts[0].AsInteger() + counts[4].AsInteger(),
            InLine = counts[4].AsInteger(),
            Scheduled = counts[1].AsInteger(),
            Retrying = counts[2].AsInteger(),
            Dead = counts[3].AsInteger(),
            Running = running,
            Deferred = deferred,
            Totals = totals,
            Lists = values[3].AsStringOrNull()?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [],
            Now = DateTimeOffset.FromUnixTimeMilliseconds(time[0].AsInteger() * 1000 + time[1].AsInteger() / 1000),
            OldestReady = head.Count == 0 ? null : await EnqueuedAtAsync(head[0].AsInteger(), cancellationToken).ConfigureAwait(false),
        };
    }

    /// <summary>Notes which lists the queue takes its items from and what it expects of jobs, for those outside the silos.</summary>
    public async ValueTask AnnounceAsync(IReadOnlyList<string> lists, QueueRules rules, CancellationToken cancellationToken = default) =>
        await redis.ExecuteAsync(new RedisCommand("HSET", keys.Of("meta"), "lists", string.Join('\n', lists)).Add("rules").Add(rules.ToJson()), cancellationToken).ConfigureAwait(false);

    /// <summary>What the queue's silos expect of jobs; null when none has said it.</summary>
    public async ValueTask<QueueRules?> RulesAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return QueueRules.Parse((await redis.ExecuteAsync(new RedisCommand("HGET", keys.Of("meta"), "rules"), cancellationToken).ConfigureAwait(false)).AsStringOrNull());
        }
        catch (RedisServerException error) when (error.Code == RedisErrorCode.WrongType)
        {
            // The step that follows names the key.
            return null;
        }
    }

    /// <summary>The length of a list of this queue.</summary>
    public async ValueTask<long> LengthAsync(string list, CancellationToken cancellationToken = default) =>
        (await redis.ExecuteAsync(new RedisCommand("LLEN", list), cancellationToken).ConfigureAwait(false)).AsInteger();

    private static long? OwnSeq(string id, string epoch) =>
        epoch.Length > 0 && id.StartsWith(epoch + "-", StringComparison.Ordinal) && long.TryParse(id.AsSpan(epoch.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var seq)
            ? seq
            : null;

    private async ValueTask<DateTimeOffset?> EnqueuedAtAsync(long seq, CancellationToken cancellationToken)
    {
        var record = await redis.ExecuteAsync(new RedisCommand("HGET", keys.JobsOf(seq)).Add(seq), cancellationToken).ConfigureAwait(false);
        if (record.IsNull) return null;
        var header = JobRecord.Read(seq, record.Bytes).Header;
        return DateTimeOffset.FromUnixTimeMilliseconds(header.EnqueuedAt);
    }

    private async ValueTask<string> EpochAsync(CancellationToken cancellationToken) =>
        (await redis.ExecuteAsync(new RedisCommand("HGET", keys.Of("meta"), "epoch"), cancellationToken).ConfigureAwait(false)).AsStringOrNull() ?? string.Empty;

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

    // The jobs with these numbers, in order, without those that are not there. The record is read last: one that has no
    // outcome yet and no entry anywhere else is queued.
    private async ValueTask<IReadOnlyList<JobView>> ReadAsync(IReadOnlyList<long> seqs, string epoch, CancellationToken cancellationToken)
    {
        if (seqs.Count == 0) return [];
        var running = redis.ExecuteAsync(Fields("HMGET", "running", seqs), cancellationToken);
        var progress = redis.ExecuteAsync(Fields("HMGET", "progress", seqs), cancellationToken);
        var cancels = redis.ExecuteAsync(Fields("HMGET", "cancels", seqs), cancellationToken);
        var deferred = redis.ExecuteAsync(Fields("HMGET", "deferred", seqs), cancellationToken);
        var scheduled = redis.ExecuteAsync(Fields("ZMSCORE", "scheduled", seqs), cancellationToken);
        var retrying = redis.ExecuteAsync(Fields("ZMSCORE", "retrying", seqs), cancellationToken);
        var line = redis.ExecuteAsync(Fields("ZMSCORE", "line", seqs), cancellationToken);
        var silos = redis.ExecuteAsync(new RedisCommand("HGETALL", keys.Of("silos")), cancellationToken);
        var records = ReadRecordsAsync(seqs, cancellationToken);
        var places = new Places(
            await running.ConfigureAwait(false), await progress.ConfigureAwait(false), await cancels.ConfigureAwait(false),
            await deferred.ConfigureAwait(false), await scheduled.ConfigureAwait(false), await retrying.ConfigureAwait(false),
            await line.ConfigureAwait(false), await silos.ConfigureAwait(false));
        var found = await records.ConfigureAwait(false);
        var views = new List<JobView>(seqs.Count);
        for (var i = 0; i < seqs.Count; i++)
        {
            if (!found[i].IsNull) views.Add(places.View(keys.Queue, i, JobRecord.Read(seqs[i], found[i].Bytes), epoch));
        }

        return views;
    }

    private async ValueTask<RedisReply[]> ReadRecordsAsync(IReadOnlyList<long> seqs, CancellationToken cancellationToken)
    {
        var groups = Enumerable.Range(0, seqs.Count).GroupBy(i => keys.JobsOf(seqs[i])).Select(g => (Key: g.Key, Places: g.ToArray())).ToArray();
        var tasks = new ValueTask<RedisReply>[groups.Length];
        for (var g = 0; g < groups.Length; g++)
        {
            var command = new RedisCommand("HMGET", groups[g].Key);
            foreach (var place in groups[g].Places) command.Add(seqs[place]);
            tasks[g] = redis.ExecuteAsync(command, cancellationToken);
        }

        var records = new RedisReply[seqs.Count];
        for (var g = 0; g < groups.Length; g++)
        {
            var reply = await tasks[g].ConfigureAwait(false);
            for (var j = 0; j < groups[g].Places.Length; j++) records[groups[g].Places[j]] = reply[j];
        }

        return records;
    }

    private RedisCommand Fields(string command, string key, IReadOnlyList<long> seqs)
    {
        var fields = new RedisCommand(command, keys.Of(key));
        foreach (var seq in seqs) fields.Add(seq);
        return fields;
    }

    // Where the jobs of one page stand beside their records.
    private sealed class Places(RedisReply running, RedisReply progress, RedisReply cancels, RedisReply deferred, RedisReply scheduled, RedisReply retrying, RedisReply line, RedisReply silos)
    {
        public JobView View(string queue, int i, JobRecord record, string epoch)
        {
            var header = record.Header;
            var entry = running[i].IsNull || header.Outcome is not null ? null : RunningEntry.Parse(running[i].AsString());
            var due = !scheduled[i].IsNull ? scheduled[i].AsDouble() : !retrying[i].IsNull ? retrying[i].AsDouble() : (double?)null;
            var state = header.Outcome ?? (entry is { Started: true } ? JobState.Running
                : !scheduled[i].IsNull ? JobState.Scheduled
                : !retrying[i].IsNull ? JobState.Retrying
                : !deferred[i].IsNull ? JobState.Deferred
                : JobState.Queued);
            var started = entry?.StartedAt ?? header.StartedAt;
            return new JobView
            {
                Id = record.Id(epoch),
                Queue = queue,
                Seq = record.Seq,
                State = state,
                Attempt = entry?.Attempt ?? header.LastAttempt,
                Header = header,
                Payload = record.Payload,
                Result = record.Result,
                Progress = entry is not null && !progress[i].IsNull ? ProgressJson.Parse(progress[i].Bytes.Span) : header.Progress,
                StartedAt = started > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(started) : null,
                Silo = entry is null ? header.Silo : SiloName(entry.Generation),
                Due = due is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds((long)ms) : null,
                CancelRequested = entry is not null && !cancels[i].IsNull,
                InLine = state == JobState.Queued && !line[i].IsNull,
            };
        }

        private string SiloName(string generation)
        {
            for (var i = 0; i + 1 < silos.Count; i += 2)
            {
                if (silos[i].AsString() == generation) return silos[i + 1].AsString();
            }

            return generation;
        }
    }
}
