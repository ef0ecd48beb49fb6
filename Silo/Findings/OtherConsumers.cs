using System.Globalization;
using Gristmill.Redis;

namespace Gristmill.Silo.Findings;

/// <summary>
/// Check (c): another client that pops a configured list. CLIENT LIST says who pops and when, but not what; so its word
/// alone is "may", and only together with items that went without a claim of ours it is certain that somebody takes them.
/// </summary>
internal sealed class OtherConsumers(ConfiguredLists configured, int database)
{
    /// <summary>A client whose last command is older than this is not a consumer any more, unless it waits in it.</summary>
    private const int RecentSeconds = 120;
    private const int MostNamed = 5;

    private static readonly HashSet<string> Pops = new(StringComparer.OrdinalIgnoreCase)
    {
        "blpop", "brpop", "lpop", "rpop", "blmove", "lmove", "brpoplpush", "rpoplpush", "blmpop", "lmpop",
    };

    public async Task LookAsync(Probe probe, List<Finding> found, CancellationToken cancellationToken)
    {
        var reply = await probe.AskAsync("CLIENT LIST", new RedisCommand("CLIENT", "LIST"), cancellationToken).ConfigureAwait(false);
        var clients = reply is null ? [] : Parse(reply.Value.AsString()).ToList();
        if (clients.Count > 0 && !clients.Exists(c => c.Command.Length > 0))
        {
            probe.Leave("CLIENT LIST", "The server does not show what clients last did.");
        }

        var others = clients.Where(c => c.Database == database && !c.IsOurs && Pops.Contains(c.Command) && (c.Waits || c.IdleSeconds <= RecentSeconds)).ToList();
        var stolen = configured.All.Where(l => l.TakenByOthers > 0).ToList();
        foreach (var list in stolen)
        {
            found.Add(new Finding("other_consumer", Finding.Error, list.Queue,
                $"Another client takes items from the list '{list.Name}' of the queue '{list.Queue}': at least {list.TakenByOthers} went since the last look that this cluster did not claim" +
                (others.Count == 0 ? "." : $". Most likely: {Names(others)}."),
                "Stop that consumer, or give this cluster a list of its own."));
        }

        if (stolen.Count == 0 && others.Count > 0 && configured.All.Count > 0)
        {
            var lists = string.Join(", ", configured.All.Take(MostNamed).Select(l => $"'{l.Name}'"));
            found.Add(new Finding("other_consumer_possible", Finding.Warning, configured.All.Count == 1 ? configured.All[0].Queue : null,
                $"Another client pops lists of this database, and may take jobs from {lists}: {Names(others)}. Redis does not say which list it pops.",
                "See what it listens to (redis-cli MONITOR shows it); if it is one of these lists, stop it or give this cluster a list of its own."));
        }
    }

    private static string Names(List<Client> clients) =>
        string.Join("; ", clients.Take(MostNamed).Select(c => c.ToString())) + (clients.Count > MostNamed ? $"; and {clients.Count - MostNamed} more" : "");

    private static IEnumerable<Client> Parse(string text)
    {
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var facts = line.TrimEnd('\r').Split(' ').Select(f => f.Split('=', 2)).Where(f => f.Length == 2)
                .GroupBy(f => f[0], StringComparer.Ordinal).ToDictionary(f => f.Key, f => f.First()[1], StringComparer.Ordinal);
            yield return new Client(
                facts.GetValueOrDefault("addr", "?"), facts.GetValueOrDefault("name", ""), facts.GetValueOrDefault("lib-name", ""),
                facts.GetValueOrDefault("cmd", ""), Number("age"), Number("idle"), Number("db"),
                facts.GetValueOrDefault("flags", "").Contains('b', StringComparison.Ordinal));

            int Number(string name) => int.TryParse(facts.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0;
        }
    }

    private sealed record Client(string Address, string Name, string Library, string Command, int AgeSeconds, int IdleSeconds, int Database, bool Waits)
    {
        public bool IsOurs => Name.StartsWith("gristmill", StringComparison.Ordinal);

        public override string ToString() =>
            $"{Address}{(Name.Length == 0 ? "" : $" '{Name}'")}{(Library.Length == 0 ? "" : $" ({Library})")}, " +
            $"{(Waits ? "waits in" : "last did")} {Command.ToUpperInvariant()}, connected for {AgeSeconds} s";
    }
}
