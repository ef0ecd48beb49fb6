namespace Gristmill.Silo.Findings;

/// <summary>
/// Another client that pops a configured list. CLIENT LIST says who pops and when, but not what; so its word alone is "may",
/// and only together with items that went without a claim of ours it is certain that somebody takes them.
/// </summary>
internal static class OtherConsumers
{
    /// <summary>The code where items vanished.</summary>
    public const string Taken = "other_consumer";

    /// <summary>The code where somebody pops, and may pop here.</summary>
    public const string Suspected = "other_consumer_possible";

    /// <summary>A client whose last command is older than this is not a consumer any more, unless it waits in it.</summary>
    private const int RecentSeconds = 120;
    private const int MostNamed = 5;

    public static void Judge(ConfiguredLists configured, IReadOnlyList<RedisPeer> popping, List<Finding> found)
    {
        var others = popping.Where(c => c.Waits || c.IdleSeconds <= RecentSeconds).OrderBy(c => c.Address, StringComparer.Ordinal).ToList();
        foreach (var (queue, lists, items) in configured.Vanished)
        {
            found.Add(new Finding(Taken, Finding.Error, queue,
                $"Another client takes items from {Lists(lists)} of the queue '{queue}': at least {items} went since the last look that this cluster did not claim" +
                (others.Count == 0 ? "." : $". Most likely: {Names(others)}."),
                "Stop that consumer, or give this cluster a list of its own."));
        }

        var wanted = configured.All.Where(l => l.IsWanted).ToList();
        if (configured.Vanished.Count == 0 && others.Count > 0 && wanted.Count > 0)
        {
            found.Add(new Finding(Suspected, Finding.Warning, wanted.Count == 1 ? wanted[0].Queue : null,
                $"Another client pops lists of this database, and may take jobs from {Lists([.. wanted.Select(l => l.Name)])}: {Names(others)}. Redis does not say which list it pops.",
                "See what it listens to (redis-cli MONITOR shows it); if it is one of these lists, stop it or give this cluster a list of its own."));
        }
    }

    private static string Lists(IReadOnlyList<string> lists) =>
        $"the list{(lists.Count == 1 ? "" : "s")} {string.Join(", ", lists.Take(MostNamed).Select(l => $"'{l}'"))}{(lists.Count > MostNamed ? " and others" : "")}";

    private static string Names(List<RedisPeer> clients) =>
        string.Join("; ", clients.Take(MostNamed).Select(c => c.ToString())) + (clients.Count > MostNamed ? $"; and {clients.Count - MostNamed} more" : "");
}
