using Gristmill.Redis;
using Gristmill.Silo.Configuration;
using Gristmill.Store;
using Gristmill.Store.Payloads;

namespace Gristmill.Silo.Findings;

/// <summary>A list or sorted set that is none of ours, followed from look to look.</summary>
internal sealed class Candidate(string key, bool isList)
{
    // A consumer may rest for a few looks without being gone.
    private const int LooksOfRest = 10;
    private int _looksSinceShrunk = LooksOfRest;

    public string Key => key;

    public bool IsList => isList;

    public long Length { get; private set; }

    public ForeignQueue? Dialect { get; set; }

    public bool IsNew { get; private set; } = true;

    public bool Grows { get; private set; }

    /// <summary>Whether somebody takes from it.</summary>
    public bool IsWorkedOff => _looksSinceShrunk < LooksOfRest;

    public string Items => Length == 1 ? "1 item" : $"{Length} items";

    /// <summary>Notes its length now.</summary>
    public void Measured(long length)
    {
        Grows = !IsNew && length > Length;
        _looksSinceShrunk = !IsNew && length < Length ? 0 : Math.Min(_looksSinceShrunk + 1, LooksOfRest);
        (Length, IsNew) = (length, false);
    }
}

/// <summary>
/// Jobs that wait where nobody of ours looks, while a configured list stays empty: lists of another name, and queues of
/// other libraries. Goes through the database with SCAN by type, a bounded piece at each look and on from there at the
/// next; never KEYS. Gristmill's own keys are no candidates.
/// </summary>
internal sealed class ForeignQueues(ConfiguredLists configured, DoctorSettings settings, TimeProvider clock)
{
    /// <summary>Of one SCAN; a small number, so that no call holds the server up.</summary>
    private const int ScanCount = 250;

    /// <summary>Candidates of each type that are followed; more than that would be noise. Those with a telling name are followed beyond it, up to twice as many.</summary>
    private const int MostCandidates = 200;
    private const int MostFindings = 20;
    private const int MostPlain = 5;

    private readonly Dictionary<string, Candidate> _candidates = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Cursor> _cursors = new(StringComparer.Ordinal) { ["list"] = new(), ["zset"] = new() };

    /// <summary>What is followed, with what is known of it.</summary>
    public IReadOnlyCollection<Candidate> Candidates => _candidates.Values;

    /// <summary>Keys gone through since the scan of lists last began, or ended.</summary>
    public long KeysSeen => _cursors["list"].Seen;

    /// <summary>Whether all keys have been gone through at least once.</summary>
    public bool HasSeenAll => _cursors.Values.All(c => c.HasEnded);

    /// <summary>Whether candidates were left out because there were too many.</summary>
    public bool IsFull { get; private set; }

    public async Task LookAsync(Probe probe, ClusterLook cluster, List<Finding> found, CancellationToken cancellationToken)
    {
        var ours = new Ours(configured, cluster);
        foreach (var key in _candidates.Keys.Where(ours.Has).ToList()) _candidates.Remove(key);
        IsFull = false;
        var began = clock.GetTimestamp();
        foreach (var (type, cursor) in _cursors) await ScanAsync(probe, type, cursor, ours, began, cancellationToken).ConfigureAwait(false);
        foreach (var (key, candidate) in _candidates.ToArray())
        {
            await MeasureAsync(probe, candidate, cancellationToken).ConfigureAwait(false);
            if (candidate is { Length: 0, IsWorkedOff: false }) _candidates.Remove(key);
        }

        found.AddRange(Judge(configured.All.Where(l => l.IsIdle).ToList(), ours));
    }

    // Lists that are neither alike nor grow are hardly meant: a few are said one by one, more in one line.
    private IEnumerable<Finding> Judge(List<ConfiguredList> idle, Ours ours)
    {
        var plain = _candidates.Values.Where(c => c is { IsList: true, Dialect: null, IsWorkedOff: false, Grows: false } && idle.Count > 0 && !ours.IsNear(c.Key))
            .OrderByDescending(c => c.Length).ThenBy(c => c.Key, StringComparer.Ordinal).ToList();
        if (plain.Count <= MostPlain) plain = [];
        else yield return Many(plain, idle[0]);
        var found = _candidates.Values.Except(plain)
            .OrderByDescending(c => ours.IsNear(c.Key)).ThenByDescending(c => c.Grows).ThenBy(c => c.Key, StringComparer.Ordinal)
            .Select(c => Judge(c, idle)).OfType<Finding>()
            .OrderBy(f => f.Rank).Take(MostFindings);
        foreach (var finding in found) yield return finding;
    }

    private async Task ScanAsync(Probe probe, string type, Cursor cursor, Ours ours, long began, CancellationToken cancellationToken)
    {
        if (settings.ScansOnce && cursor.HasEnded) return;
        for (var keys = 0; keys < settings.KeysPerLook && clock.GetElapsedTime(began) < settings.ScanLimit; keys += ScanCount)
        {
            var command = new RedisCommand("SCAN", cursor.At).Add("COUNT").Add(ScanCount).Add("TYPE").Add(type);
            if (await probe.AskAsync("SCAN", command, cancellationToken).ConfigureAwait(false) is not { Count: 2 } reply) return;
            foreach (var key in reply[1].AsList().Select(k => k.AsString()))
            {
                if (!ours.Has(key)) Follow(key, type == "list", ours);
            }

            cursor.Moved(reply[0].AsString(), ScanCount);
            if (cursor.At == "0") return;
        }
    }

    private void Follow(string key, bool isList, Ours ours)
    {
        if (_candidates.ContainsKey(key) || isList && ForeignDialects.IsBeside(key)) return;
        var isTelling = isList ? ForeignDialects.OfList(key) is not null || ours.IsNear(key) : ForeignDialects.OfSortedSet(key) is not null;
        var followed = _candidates.Values.Count(c => c.IsList == isList);
        if (followed < (isTelling ? 2 * MostCandidates : MostCandidates)) _candidates.Add(key, new Candidate(key, isList));
        else IsFull = true;
    }

    private static async Task MeasureAsync(Probe probe, Candidate candidate, CancellationToken cancellationToken)
    {
        var isNew = candidate.IsNew;
        if (candidate.IsList)
        {
            candidate.Measured(await probe.LengthAsync(candidate.Key, cancellationToken).ConfigureAwait(false));
            if (isNew) candidate.Dialect = ForeignDialects.OfList(candidate.Key, (await probe.EndsAsync(candidate.Key, cancellationToken).ConfigureAwait(false)).Left.Span);
            return;
        }

        if (isNew) candidate.Dialect = ForeignDialects.OfSortedSet(candidate.Key) ?? await ArqAsync(probe, candidate.Key, cancellationToken).ConfigureAwait(false);
        var size = candidate.Dialect is null ? null : await probe.AskAsync("ZCARD", new RedisCommand("ZCARD", candidate.Key), cancellationToken).ConfigureAwait(false);

        // A sorted set of nobody that is known is no queue.
        candidate.Measured(size?.AsInteger() ?? 0);
    }

    // A queue of ARQ can have any name; its jobs' keys cannot.
    private static async Task<ForeignQueue?> ArqAsync(Probe probe, string key, CancellationToken cancellationToken)
    {
        var first = await probe.AskAsync("ZRANGE", new RedisCommand("ZRANGE", key, "0", "0"), cancellationToken).ConfigureAwait(false);
        return first is { Count: 1 } members && !members[0].IsAggregate &&
            await probe.ExistsAsync(ForeignDialects.ArqJob(members[0].AsString()), cancellationToken).ConfigureAwait(false)
            ? new ForeignQueue("ARQ", key)
            : null;
    }

    private static Finding? Judge(Candidate candidate, List<ConfiguredList> idle)
    {
        // What has workers of its own is none of our business.
        if (candidate.IsWorkedOff) return candidate is { Dialect: null, Grows: true } ? Grows(candidate) : null;
        if (candidate.Dialect is { } dialect) return OfDialect(dialect, candidate, idle);
        if (idle.Count == 0) return candidate.Grows ? Grows(candidate) : null;
        var nearest = NearestName.Of(candidate.Key, idle.Select(l => l.Name)) is { } name ? idle.First(l => l.Name == name) : idle[0];
        return new Finding("list_elsewhere", Finding.Warning, nearest.Queue,
            $"The list '{nearest.Name}' of the queue '{nearest.Queue}' is empty, while the list '{candidate.Key}' {(candidate.Grows ? "grows and has" : "has")} {candidate.Items}: producers may push to another name.",
            $"Let producers push to '{nearest.Name}', or configure List '{candidate.Key}' for the queue.");
    }

    private static Finding Many(List<Candidate> lists, ConfiguredList idle) => new(
        "list_elsewhere", Finding.Info, idle.Queue,
        $"The list '{idle.Name}' of the queue '{idle.Queue}' is empty, while {lists.Count} lists with other names have items and do not grow, such as {string.Join(", ", lists.Take(3).Select(l => $"'{l.Key}' ({l.Items})"))}.",
        $"If one of them is meant for this cluster, let producers push to '{idle.Name}', or configure that list for the queue.");

    private static Finding Grows(Candidate candidate) => new(
        "list_grows", Finding.Info, null,
        $"The list '{candidate.Key}', which no queue is configured for, grows and has {candidate.Items}.",
        $"If '{candidate.Key}' is meant for this cluster, configure a queue with this list; otherwise see to its consumer.");

    private static Finding OfDialect(ForeignQueue dialect, Candidate candidate, List<ConfiguredList> idle)
    {
        var canBeTaken = ForeignDialects.CanBeTaken(dialect.Library);
        var taken = canBeTaken ? $"; or configure a queue with the list '{candidate.Key}' and Dialect {dialect.Library}" : string.Empty;
        var ours = idle.Count == 0 ? null : idle.FirstOrDefault(l => l.Name == dialect.Queue || l.Queue == dialect.Queue) ?? Nearest(dialect.Queue, idle);
        return new Finding("other_library", ours is null ? Finding.Info : Finding.Warning, ours?.Queue,
            $"The {dialect.Library} queue '{dialect.Queue}' (key '{candidate.Key}') has {candidate.Items}{(ours is null ? "" : $", while the list '{ours.Name}' is empty")}: " +
            $"{dialect.Library} wraps jobs in a form of its own, which Gristmill {(canBeTaken ? $"runs only in a queue with Dialect {dialect.Library}" : "does not run")}.",
            ours is null
                ? $"If '{candidate.Key}' is meant for this cluster, let producers RPUSH plain JSON; otherwise see to the {dialect.Library} workers{taken}."
                : $"Let producers RPUSH plain JSON to '{ours.Name}' instead of enqueueing with {dialect.Library}; or run workers of {dialect.Library} for '{dialect.Queue}'{taken}.");
    }

    private static ConfiguredList Nearest(string queue, List<ConfiguredList> idle) =>
        NearestName.Of(queue, idle.Select(l => l.Name)) is { } name ? idle.First(l => l.Name == name) : idle[0];

    private sealed class Cursor
    {
        public string At { get; private set; } = "0";

        public long Seen { get; private set; }

        public bool HasEnded { get; private set; }

        public void Moved(string next, int keys)
        {
            Seen = At == "0" ? keys : Seen + keys;
            At = next;
            HasEnded |= next == "0";
        }
    }

    /// <summary>What silos of the service take from or write to.</summary>
    private sealed class Ours(ConfiguredLists configured, ClusterLook cluster)
    {
        private readonly HashSet<string> _names = [.. configured.All.Select(l => l.Name), .. cluster.Written];
        private readonly IReadOnlyList<string> _prefixes = [RedisKeys.Prefix, .. cluster.WrittenPrefixes];

        public bool Has(string key) => _names.Contains(key) || _prefixes.Any(p => key.StartsWith(p, StringComparison.Ordinal));

        public bool IsNear(string key) => NearestName.Of(key, configured.All.Select(l => l.Name)) is not null;
    }
}
