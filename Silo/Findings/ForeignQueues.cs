using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Configuration;
using Gristmill.Store;

namespace Gristmill.Silo.Findings;

/// <summary>
/// Check (b): jobs that wait where nobody of ours looks, while a configured list stays empty: lists of another name, and
/// queues of other libraries. Goes through the database with SCAN by type, a bounded piece at each look and on from there
/// at the next; never KEYS. Gristmill's own keys are no candidates.
/// </summary>
internal sealed class ForeignQueues(ConfiguredLists configured, GristmillOptions options)
{
    /// <summary>Of one SCAN; a small number, so that no call holds the server up.</summary>
    private const int ScanCount = 100;

    /// <summary>Calls of SCAN per type and look: up to some 5,000 keys a look.</summary>
    private const int ScansPerLook = 50;

    /// <summary>Candidates that are followed; more than that would be noise.</summary>
    private const int MostCandidates = 200;
    private const int MostFindings = 20;
    private const string Own = "gristmill:";

    // What this silo takes from, and what it writes to itself: dead letters that are mirrored, and results.
    private readonly HashSet<string> _names =
        [.. configured.All.Select(l => l.Name), .. options.Queues.Values.Select(q => q.DeadLetterList).OfType<string>()];

    private readonly List<string> _prefixes = [Own, .. options.Queues.Values.SelectMany(q => q.ReplyToPrefixes)];
    private readonly Dictionary<string, Candidate> _candidates = new(StringComparer.Ordinal);
    private string _listCursor = "0";
    private string _setCursor = "0";

    public async Task LookAsync(Probe probe, List<Finding> found, CancellationToken cancellationToken)
    {
        await NoteServedAsync(probe, cancellationToken).ConfigureAwait(false);
        _listCursor = await ScanAsync(probe, "list", _listCursor, cancellationToken).ConfigureAwait(false);
        _setCursor = await ScanAsync(probe, "zset", _setCursor, cancellationToken).ConfigureAwait(false);
        foreach (var (key, candidate) in _candidates.ToArray())
        {
            await MeasureAsync(probe, candidate, cancellationToken).ConfigureAwait(false);
            if (candidate.Length == 0)
            {
                _candidates.Remove(key);
            }
        }

        var idle = configured.All.Where(l => l.IsIdle).ToList();
        found.AddRange(_candidates.Values
            .Select(c => Judge(c, idle)).OfType<Finding>()
            .OrderBy(f => f.Severity == Finding.Warning ? 0 : 1).ThenBy(f => f.Message, StringComparer.Ordinal)
            .Take(MostFindings));
    }

    // Lists of the service's other queues are served by other silos.
    private async Task NoteServedAsync(Probe probe, CancellationToken cancellationToken)
    {
        var members = new RedisCommand("SMEMBERS", RedisKeys.Queues(options.Service));
        if (await probe.AskAsync("SMEMBERS", members, cancellationToken).ConfigureAwait(false) is not { IsAggregate: true } queues) return;
        foreach (var queue in queues.AsList().Select(q => q.AsString()).Where(RedisKeys.IsName))
        {
            var meta = new RedisKeys(options.Service, 0, queue).Of("meta");
            var lists = await probe.AskAsync("HGET", new RedisCommand("HGET", meta, "lists"), cancellationToken).ConfigureAwait(false);
            foreach (var list in lists?.AsStringOrNull()?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [])
            {
                _names.Add(list);
                _candidates.Remove(list);
            }
        }
    }

    private async Task<string> ScanAsync(Probe probe, string type, string cursor, CancellationToken cancellationToken)
    {
        for (var i = 0; i < ScansPerLook; i++)
        {
            var command = new RedisCommand("SCAN", cursor).Add("COUNT").Add(ScanCount).Add("TYPE").Add(type);
            if (await probe.AskAsync("SCAN " + type, command, cancellationToken).ConfigureAwait(false) is not { Count: 2 } reply)
            {
                return "0";
            }

            cursor = reply[0].AsString();
            foreach (var key in reply[1].AsList().Select(k => k.AsString()))
            {
                if (_candidates.Count < MostCandidates && !_names.Contains(key) && !_prefixes.Exists(p => key.StartsWith(p, StringComparison.Ordinal)))
                {
                    _candidates.TryAdd(key, new Candidate(key, type == "list"));
                }
            }

            if (cursor == "0")
            {
                break;
            }
        }

        return cursor;
    }

    private static async Task MeasureAsync(Probe probe, Candidate candidate, CancellationToken cancellationToken)
    {
        candidate.LengthBefore = candidate.Seen ? candidate.Length : null;
        candidate.Seen = true;
        if (candidate.IsList)
        {
            candidate.Length = await probe.LengthAsync(candidate.Key, cancellationToken).ConfigureAwait(false);
            if (candidate.LengthBefore is null && candidate.Length > 0)
            {
                candidate.Dialect = Dialect.OfList(candidate.Key, await probe.FirstItemAsync(candidate.Key, cancellationToken).ConfigureAwait(false));
            }

            return;
        }

        var size = await probe.AskAsync("ZCARD", new RedisCommand("ZCARD", candidate.Key), cancellationToken).ConfigureAwait(false);
        candidate.Length = size?.AsInteger() ?? 0;
        if (candidate.LengthBefore is null)
        {
            candidate.Dialect = Dialect.OfSortedSet(candidate.Key, await HasArqJobAsync(probe, candidate.Key, cancellationToken).ConfigureAwait(false));

            // A sorted set of nobody that is known is no queue.
            candidate.Length = candidate.Dialect is null ? 0 : candidate.Length;
        }
    }

    private static async Task<bool> HasArqJobAsync(Probe probe, string key, CancellationToken cancellationToken)
    {
        var first = await probe.AskAsync("ZRANGE", new RedisCommand("ZRANGE", key, "0", "0"), cancellationToken).ConfigureAwait(false);
        return first is { Count: 1 } members && !members[0].IsAggregate &&
            await probe.AskAsync("EXISTS", new RedisCommand("EXISTS", "arq:job:" + members[0].AsString()), cancellationToken).ConfigureAwait(false) is { } exists &&
            exists.AsInteger() == 1;
    }

    private static Finding? Judge(Candidate candidate, List<ConfiguredList> idle)
    {
        var grows = candidate.LengthBefore is { } before && candidate.Length > before;
        var shrank = candidate.LengthBefore is { } last && candidate.Length < last;
        var items = candidate.Length == 1 ? "1 item" : $"{candidate.Length} items";
        if (candidate.Dialect is { } dialect)
        {
            return OfDialect(dialect, candidate, items, idle);
        }

        if (idle.Count == 0 || shrank)
        {
            // Nobody is missing anything, or somebody works it off.
            return grows ? Grows(candidate, items) : null;
        }

        var nearest = NearestName.Of(candidate.Key, idle.Select(l => l.Name)) is { } name ? idle.First(l => l.Name == name) : idle[0];
        return new Finding("list_elsewhere", Finding.Warning, nearest.Queue,
            $"The list '{nearest.Name}' of the queue '{nearest.Queue}' is empty, while the list '{candidate.Key}' {(grows ? "grows and has" : "has")} {items}: producers may push to another name.",
            $"Let producers push to '{nearest.Name}', or configure List '{candidate.Key}' for the queue.");
    }

    private static Finding Grows(Candidate candidate, string items) => new(
        "list_grows", Finding.Info, null,
        $"The list '{candidate.Key}', which no queue is configured for, grows and has {items}.",
        "If it is meant for this cluster, configure a queue with this list; otherwise see to its consumer.");

    /// <summary>A dialect that has its own workers is none of our business; one that fills while our list is empty may be meant for us.</summary>
    private static Finding? OfDialect(Dialect dialect, Candidate candidate, string items, List<ConfiguredList> idle)
    {
        if (candidate.LengthBefore is { } before && candidate.Length < before)
        {
            return null;
        }

        var ours = idle.Count == 0 ? null : idle.FirstOrDefault(l => l.Name == dialect.Queue || l.Queue == dialect.Queue) ?? idle[0];
        return new Finding("other_library", ours is null ? Finding.Info : Finding.Warning, ours?.Queue,
            $"The {dialect.Library} queue '{dialect.Queue}' (key '{candidate.Key}') has {items}{(ours is null ? "" : $", while the list '{ours.Name}' is empty")}: " +
            $"{dialect.Library} wraps jobs in a form of its own, which Gristmill does not run.",
            ours is null
                ? $"If it is meant for this cluster, let producers RPUSH plain JSON; otherwise see to the {dialect.Library} workers."
                : $"Let producers RPUSH plain JSON to '{ours.Name}' instead of enqueueing with {dialect.Library}; or run a {dialect.Library} worker for it.");
    }

    private sealed class Candidate(string key, bool isList)
    {
        public string Key => key;

        public bool IsList => isList;

        public bool Seen { get; set; }

        public long Length { get; set; }

        public long? LengthBefore { get; set; }

        public Dialect? Dialect { get; set; }
    }
}
