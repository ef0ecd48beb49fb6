using Gristmill.Redis;
using Gristmill.Silo.Commands;
using Gristmill.Silo.Hosting;
using Gristmill.Store;

namespace Gristmill.Silo.Findings;

/// <summary>
/// What keeps a queue's jobs waiting, as the store shows it: no silo serves it, it is paused, or a key of it, or one that all queues
/// share, is another's.
/// </summary>
internal static class QueueFindings
{
    public static async Task LookAsync(Probe probe, ClusterLook cluster, ConfiguredLists lists, DoctorSettings settings, List<Finding> found, CancellationToken cancellationToken)
    {
        var service = settings.Options.Service;
        await KeysAsync(probe, KeyTypes.Of(service).Concat(EngineHosting.KeyTypesOf(service)), null, $"service '{service}'", found, cancellationToken).ConfigureAwait(false);
        foreach (var queue in cluster.Queues)
        {
            var listed = lists.All.Where(l => l.Queue == queue.Name).Sum(l => Math.Max(0, l.Length));
            if (Waiting(queue, listed) is { } finding) found.Add(finding);
            await KeysAsync(probe, KeyTypes.Of(new RedisKeys(service, 0, queue.Name)), queue.Name, $"queue '{queue.Name}'", found, cancellationToken).ConfigureAwait(false);
        }
    }

    private static Finding? Waiting(ClusterQueue queue, long listed)
    {
        var ready = queue.Counts?.Queued ?? 0;
        if (listed + ready == 0) return null;
        var waiting = string.Join(" and ", new[] { listed > 0 ? $"{Plain.Count(listed, "item")} in {string.Join(", ", queue.Lists.Select(l => $"'{l}'"))}" : null, ready > 0 ? $"{Plain.Count(ready, "job")} that {(ready == 1 ? "is" : "are")} ready" : null }.OfType<string>());
        if (!queue.IsServed)
        {
            return new Finding("queue_without_silo", Finding.Error, queue.Name,
                $"No silo serves the queue '{queue.Name}', and work waits: {waiting}.",
                $"Start a silo with this queue (gristmill silos shows those that there are; a queue with Labels needs one that has them). Jobs that nobody wants: gristmill job cancel; items: DEL of the list.");
        }

        return queue.Counts?.Mode switch
        {
            QueueMode.Paused => new Finding("queue_paused", Finding.Warning, queue.Name, $"The queue '{queue.Name}' is paused, and work waits: {waiting}.", $"gristmill queues resume {queue.Name}"),
            QueueMode.Draining when listed > 0 => new Finding("queue_paused", Finding.Warning, queue.Name, $"The queue '{queue.Name}' drains and takes nothing new, and work waits: {waiting}.", $"gristmill queues resume {queue.Name}"),
            _ => null,
        };
    }

    // All keys are asked for at once: a line of small commands.
    private static async Task KeysAsync(Probe probe, IEnumerable<(string Key, string Type)> keys, string? queue, string owner, List<Finding> found, CancellationToken cancellationToken)
    {
        var expected = keys.ToList();
        var types = await Task.WhenAll(expected.Select(k => probe.AskAsync("TYPE", new RedisCommand("TYPE", k.Key), cancellationToken))).ConfigureAwait(false);
        for (var i = 0; i < expected.Count; i++)
        {
            if (types[i] is not { } reply || reply.AsString() is var type && (type == "none" || type == expected[i].Type)) continue;
            found.Add(new Finding("key_wrong_type", Finding.Error, queue,
                $"The key '{expected[i].Key}' of the {owner} is a {types[i]!.Value.AsString()} in Redis, and must be a {expected[i].Type}: the steps that need it fail.",
                "Something else has written it: find out what, and rename the key away."));
        }
    }
}
