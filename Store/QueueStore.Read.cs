using System.Globalization;
using Gristmill.Redis;

namespace Gristmill.Store;

// The views: one job, the numbers of the queue; pages of jobs are in QueueStore.Pages.cs. Plain commands, no scripts: a view may be a
// moment old.
public sealed partial class QueueStore
{
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
