namespace Gristmill.Silo.Findings;

/// <summary>Silos that serve one queue and were told different things of it.</summary>
internal static class OptionFindings
{
    public static void Look(ClusterLook cluster, List<Finding> found)
    {
        var serving = cluster.Silos.Where(s => !s.IsLost).SelectMany(s => s.Record.Queues.Where(q => q.Options is not null).Select(q => (Silo: s.Record.Name, Queue: q)));
        foreach (var queue in serving.GroupBy(s => s.Queue.Name, StringComparer.Ordinal))
        {
            // The first stands for the others: one of them differs from it when any two differ.
            var (silo, first) = queue.First();
            var differing = queue.Select(s => (s.Silo, Options: Differences(first.Options!, s.Queue.Options!))).FirstOrDefault(s => s.Options.Count > 0);
            if (differing.Options is null) continue;
            found.Add(new Finding("queue_options_differ", Finding.Warning, queue.Key,
                $"The silos '{silo}' and '{differing.Silo}' serve the queue '{queue.Key}' with different options ({string.Join(", ", differing.Options)}): what becomes of a job depends on who takes it.",
                "Start all silos of the queue with the same options; while they are exchanged one by one this passes by itself."));
        }
    }

    // An option that a version does not know is none to compare.
    private static List<string> Differences(IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other) =>
        [.. one.Where(o => other.TryGetValue(o.Key, out var value) && value != o.Value).Select(o => o.Key).Order(StringComparer.Ordinal)];
}
