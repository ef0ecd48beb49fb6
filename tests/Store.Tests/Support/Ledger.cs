using System.Globalization;
using System.Text;

namespace Gristmill.Store.Tests.Support;

/// <summary>
/// The books of a queue, read straight from its keys: where each record stands, and what contradicts the promises. A live
/// record has exactly one place, an ended one is where its outcome says, nothing points to a record that is not there.
/// </summary>
internal sealed class Ledger
{
    private static readonly string[] Places = ["running", "ready", "line", "scheduled", "retrying", "deferred", "dead", "finished"];
    private readonly Dictionary<string, List<string>> _members = [];

    public Dictionary<long, JobRecord> Records { get; } = [];

    public List<string> Listed { get; private set; } = [];

    public Dictionary<string, string> Ids { get; private set; } = [];

    public Dictionary<string, string> Meta { get; private set; } = [];

    public Dictionary<string, string> Running { get; private set; } = [];

    public static async Task<Ledger> ReadAsync(TestQueue queue)
    {
        var ledger = new Ledger();
        foreach (var shard in queue.Keys.Jobs)
        {
            var reply = await queue.Do("HGETALL", shard);
            for (var i = 0; i + 1 < reply.Count; i += 2) ledger.Records[reply[i].AsInteger()] = JobRecord.Parse(reply[i].AsInteger(), reply[i + 1].Bytes);
        }

        foreach (var place in Places) ledger._members[place] = [];
        ledger.Running = await HashAsync(queue, "running");
        ledger._members["running"].AddRange(ledger.Running.Keys);
        ledger._members["deferred"].AddRange((await HashAsync(queue, "deferred")).Keys);
        ledger._members["progress"] = [.. (await HashAsync(queue, "progress")).Keys];
        ledger._members["cancels"] = [.. (await HashAsync(queue, "cancels")).Keys];
        foreach (var index in (string[])["ready", "line", "scheduled", "retrying", "dead"])
        {
            ledger._members[index].AddRange((await queue.Do("ZRANGE", queue.Keys.Of(index), "0", "-1")).AsList().Select(m => m.AsString()));
        }

        foreach (var line in (await queue.Do("LRANGE", queue.Keys.Of("finished"), "0", "-1")).AsList())
        {
            ledger._members["finished"].AddRange(line.AsString().Split(' ').Skip(1));
        }

        ledger.Listed = [.. (await queue.Do("LRANGE", queue.List, "0", "-1")).AsList().Select(i => i.AsString())];
        ledger.Ids = await HashAsync(queue, "ids");
        ledger.Meta = await HashAsync(queue, "meta");
        return ledger;
    }

    /// <summary>Where a record stands: "listed" aside, the indexes that name it.</summary>
    public IReadOnlyList<string> PlacesOf(long seq)
    {
        var text = seq.ToString(CultureInfo.InvariantCulture);
        return [.. Places.Where(p => _members[p].Contains(text))];
    }

    /// <summary>Payload and place of every item, "list" for those that were not taken; sorted.</summary>
    /// <param name="phantoms">Whether records without a place, and what an earlier try made as well, are left out.</param>
    public string States(bool phantoms = false)
    {
        var lines = Listed.Select(i => $"{i}: list").Concat(Records.Values
            .Select(r => (Record: r, Places: string.Join('+', PlacesOf(r.Seq))))
            .Where(r => !phantoms || r.Places.Length > 0)
            .Select(r => $"{Payload(r.Record)}: {r.Places} {r.Record.Header.Outcome}"));
        return string.Join('\n', (phantoms ? lines.Distinct() : lines).Order(StringComparer.Ordinal));
    }

    public int Times(string payload) => Listed.Count(i => i == payload) + Records.Values.Count(r => Payload(r) == payload);

    /// <summary>What contradicts the promises; empty when all is well.</summary>
    /// <param name="counts">Whether the counters must agree too.</param>
    /// <param name="phantoms">Whether a step that ended in the midst may have left records without a place.</param>
    public string Faults(bool counts = true, bool phantoms = false)
    {
        var faults = new List<string>();
        foreach (var record in Records.Values)
        {
            var places = PlacesOf(record.Seq);
            var expected = record.Header.Outcome switch
            {
                JobState.Dead => "dead",
                JobState.Completed or JobState.Cancelled => "finished",
                _ => null,
            };
            var well = (phantoms && places.Count == 0) || (places.Count == 1 && (expected is null ? places[0] is not ("dead" or "finished") : places[0] == expected));
            if (!well) faults.Add($"{record.Seq} ({Payload(record)}, outcome {record.Header.Outcome}) stands in [{string.Join(", ", places)}]");
        }

        foreach (var place in Places.Where(p => p != "finished"))
        {
            faults.AddRange(_members[place].Where(m => !Records.ContainsKey(long.Parse(m, CultureInfo.InvariantCulture))).Select(m => $"{place} names {m}, which has no record"));
        }

        faults.AddRange(_members["progress"].Concat(_members["cancels"]).Where(m => !Running.ContainsKey(m)).Select(m => $"progress or cancels of {m}, which does not run"));
        faults.AddRange(FaultsOfIds());
        var kept = Meta.TryGetValue("finished", out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : 0;
        var ended = Records.Values.Count(r => r.Header.Outcome is JobState.Completed or JobState.Cancelled);
        if (counts && kept != ended) faults.Add($"{ended} finished records, counted as {kept}");
        return string.Join('\n', faults);
    }

    private IEnumerable<string> FaultsOfIds()
    {
        foreach (var (id, entry) in Ids)
        {
            var owner = entry.Split(' ')[0];
            if (owner == "x" || !Records.TryGetValue(long.Parse(owner, CultureInfo.InvariantCulture), out var record)) continue;
            if (!record.Header.Raw && record.Header.Id is { } own && own != id) yield return $"the id {id} names {owner}, which is {own}";
        }
    }

    public static string Payload(JobRecord record) => Encoding.UTF8.GetString(record.Payload.Span);

    private static async Task<Dictionary<string, string>> HashAsync(TestQueue queue, string name)
    {
        var reply = await queue.Do("HGETALL", queue.Keys.Of(name));
        var pairs = new Dictionary<string, string>();
        for (var i = 0; i + 1 < reply.Count; i += 2) pairs[reply[i].AsString()] = reply[i + 1].AsString();
        return pairs;
    }
}
