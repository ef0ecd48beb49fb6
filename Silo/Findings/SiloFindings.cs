using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Silo.Findings;

/// <summary>What the silos' records show: silos that were lost, that do not fit together, and what others say of themselves.</summary>
internal static class SiloFindings
{
    // A silo that is lost stays listed for an hour; so long it need not be said.
    private static readonly TimeSpan LostShown = TimeSpan.FromMinutes(15);
    private const int MostNamed = 5;
    private const int MostFindings = 50;

    public static async Task LookAsync(Probe probe, ClusterLook cluster, DoctorSettings settings, List<Finding> found, CancellationToken cancellationToken)
    {
        var live = cluster.Silos.Where(s => !s.IsLost).ToList();
        foreach (var lost in cluster.Silos.Where(s => s.IsLost && s.HeardAgo < LostShown).Take(MostFindings))
        {
            found.Add(await LostAsync(probe, lost, cluster, settings, cancellationToken).ConfigureAwait(false));
        }

        found.AddRange(Unlike(live));
        found.AddRange(live.Where(s => s.Record.Id != settings.SiloId)
            .SelectMany(s => (s.Record.Findings ?? []).Select(f => new Finding(f.Code, f.Severity, f.Queue, f.Message, f.Action) { Silo = s.Record.Name }))
            .Take(MostFindings));
    }

    private static async Task<Finding> LostAsync(Probe probe, SiloView lost, ClusterLook cluster, DoctorSettings settings, CancellationToken cancellationToken)
    {
        var record = lost.Record;
        var held = new List<string>();
        foreach (var queue in record.Queues.Where(q => q.Running > 0).Take(MostNamed))
        {
            var command = new RedisCommand("HEXISTS", new RedisKeys(settings.Options.Service, 0, queue.Name).Of("silos"), queue.Generation);
            var isHeld = await probe.AskAsync("HEXISTS", command, cancellationToken).ConfigureAwait(false) is { } reply && reply.AsInteger() > 0;
            var totals = cluster.Queues.FirstOrDefault(q => q.Name == queue.Name)?.Counts?.Totals;
            held.Add($"{queue.Running} of the queue '{queue.Name}', {(isHeld ? "which a silo of that queue gives back once their lease has expired" : $"given back by now ({totals?.GetValueOrDefault("recovered") ?? 0} jobs of lost silos in all)")}");
        }

        var ran = held.Count == 0 ? "It ran no jobs then." : $"Jobs that it ran then: {string.Join("; ", held)}.";
        return new Finding("silo_lost", Finding.Warning, null,
            $"The silo '{record.Name}' on {record.Host} (process {record.Pid}) was lost {lost.HeardAgo.TotalSeconds:0} s ago: it ended without a word, stands still or is cut off. {ran}",
            $"See the end of its log, and whether the kernel killed it for want of memory (dmesg); gristmill silos lists it for an hour. Its id is {record.Id}.");
    }

    private static IEnumerable<Finding> Unlike(List<SiloView> live)
    {
        if (Several(live, s => s.Record.Version) is { } versions)
        {
            yield return new Finding("silo_versions", Finding.Warning, null,
                $"Silos of different versions run together: {versions}.", "That is meant for a while, as when silos are replaced one after the other; bring the rest to the same version.");
        }

        if (Several(live, s => s.Record.Engine) is { } engines)
        {
            yield return new Finding("silo_engines", Finding.Error, null,
                $"Silos of different engines run together, and do not find each other: {engines}.", "Drain the cluster, then start all silos with the same engine (docs/engines.md).");
        }
    }

    private static string? Several(List<SiloView> live, Func<SiloView, string> by)
    {
        var groups = live.GroupBy(by, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).ToList();
        return groups.Count < 2 ? null : string.Join("; ", groups.Select(g =>
            $"{g.Key} ({string.Join(", ", g.Take(MostNamed).Select(s => s.Record.Name))}{(g.Count() > MostNamed ? $" and {g.Count() - MostNamed} more" : "")})"));
    }
}
