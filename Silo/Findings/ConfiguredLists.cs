using Gristmill.Redis;
using Gristmill.Store;
using Gristmill.Store.Payloads;

namespace Gristmill.Silo.Findings;

/// <summary>One list of a queue as it was at the last look.</summary>
internal sealed class ConfiguredList(string queue, string name)
{
    public string Queue => queue;

    public string Name => name;

    /// <summary>Whether somebody counts on it: its queue is configured here or served now.</summary>
    public bool IsWanted { get; set; }

    /// <summary>Items now; -1 when it is no list.</summary>
    public long Length { get; set; }

    /// <summary>Items at the look before; null at the first.</summary>
    public long? LengthBefore { get; set; }

    /// <summary>Whether the cluster has claimed items of its queue since the look before.</summary>
    public bool IsClaimed { get; set; }

    /// <summary>Nobody pushes to it, as far as two looks can tell.</summary>
    public bool IsIdle => IsWanted && Length == 0 && LengthBefore is null or 0 && !IsClaimed;
}

/// <summary>Items of a queue's lists that went and that no silo of ours took.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Lists">Its lists.</param>
/// <param name="Items">At least so many: pushes meanwhile hide more.</param>
internal sealed record Vanished(string Queue, IReadOnlyList<string> Lists, long Items);

/// <summary>
/// The lists of all queues: each is a list or not there yet, holds what its producers push and not another library's queue,
/// and loses nothing but to this cluster. Keeps what it saw for the next look.
/// </summary>
/// <remarks>
/// What the cluster claimed is read before the lengths and again behind them, so that a claim between two readings is never
/// taken for somebody else's: from the reading before the first lengths to the one behind the second.
/// </remarks>
internal sealed class ConfiguredLists
{
    private readonly Dictionary<(string Queue, string Name), ConfiguredList> _lists = [];
    private readonly Dictionary<string, (long? Claimed, string Epoch, long Items)> _before = [];

    public IReadOnlyList<ConfiguredList> All { get; private set; } = [];

    /// <summary>Where items vanished since the look before.</summary>
    public IReadOnlyList<Vanished> Vanished { get; private set; } = [];

    public async Task LookAsync(Probe probe, ClusterLook cluster, DoctorSettings settings, List<Finding> found, CancellationToken cancellationToken)
    {
        var all = new List<ConfiguredList>();
        var vanished = new List<Vanished>();
        foreach (var queue in cluster.Queues)
        {
            var lists = queue.Lists.Select(name => ListOf(queue.Name, name)).ToList();
            foreach (var list in lists) await MeasureAsync(probe, list, queue, found, cancellationToken).ConfigureAwait(false);
            var claimed = await ClaimedAsync(probe, settings.Options.Service, queue.Name, cancellationToken).ConfigureAwait(false);
            var items = lists.Sum(l => Math.Max(0, l.Length));
            var epoch = queue.Counts?.Epoch ?? string.Empty;
            var known = _before.TryGetValue(queue.Name, out var before) && claimed >= before.Claimed && (before.Epoch.Length == 0 || before.Epoch == epoch);
            foreach (var list in lists) list.IsClaimed = known && claimed > before.Claimed;
            if (known && before.Items - items - (claimed - before.Claimed) is { } gone and > 0) vanished.Add(new Vanished(queue.Name, queue.Lists, gone));
            _before[queue.Name] = (queue.Claimed, epoch, items);
            all.AddRange(lists);
        }

        var keep = all.Select(l => (l.Queue, l.Name)).ToHashSet();
        foreach (var gone in _lists.Keys.Where(k => !keep.Contains(k)).ToList()) _lists.Remove(gone);
        (All, Vanished) = (all, vanished);
    }

    private ConfiguredList ListOf(string queue, string name)
    {
        if (_lists.TryGetValue((queue, name), out var known))
        {
            known.LengthBefore = known.Length;
            return known;
        }

        return _lists[(queue, name)] = new ConfiguredList(queue, name);
    }

    private static async Task MeasureAsync(Probe probe, ConfiguredList list, ClusterQueue queue, List<Finding> found, CancellationToken cancellationToken)
    {
        list.IsWanted = queue.IsWanted;
        var type = await probe.TypeAsync(list.Name, cancellationToken).ConfigureAwait(false);
        if (type is not ("list" or "none"))
        {
            list.Length = -1;
            found.Add(new Finding("list_wrong_type", Finding.Error, list.Queue,
                $"The list '{list.Name}' of the queue '{list.Queue}' is a {type} in Redis, not a list: nothing can be taken from it.",
                $"Find who writes it (redis-cli TYPE {list.Name}; another library may use the name), and rename one of the two or delete the key."));
            return;
        }

        list.Length = await probe.LengthAsync(list.Name, cancellationToken).ConfigureAwait(false);
        if ((await probe.EndsAsync(list.Name, cancellationToken).ConfigureAwait(false)).OwnerOf(list.Name, queue.Dialect) is { } library)
        {
            var items = list.Length == 1 ? "1 item" : $"{list.Length} items";
            found.Add(new Finding("foreign_in_list", Finding.Error, list.Queue,
                $"{ForeignDialects.Owned(list.Name, library)} It has {items}; the queue '{list.Queue}' gets none of them.",
                $"Let producers RPUSH plain JSON to a list of another name and configure that one; the messages of {library} are for workers of {library}{Taken(library)}."));
        }
    }

    private static string Taken(string library) =>
        ForeignDialects.CanBeTaken(library) ? $", unless the queue shall run them: then set its Dialect to {library}" : string.Empty;

    // Null where it may not be asked: then nobody knows who took what.
    private static async Task<long?> ClaimedAsync(Probe probe, string service, string queue, CancellationToken cancellationToken)
    {
        var command = new RedisCommand("HGET", new RedisKeys(service, 0, queue).Of("meta"), "claimed");
        return await probe.AskAsync("HGET", command, cancellationToken).ConfigureAwait(false) is { } reply ? reply.IsNull ? 0 : reply.AsInteger() : null;
    }
}
