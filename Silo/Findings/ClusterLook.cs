using System.Globalization;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Store;
using Gristmill.Store.Payloads;

namespace Gristmill.Silo.Findings;

/// <summary>A queue of the service, as the store knows it now.</summary>
internal sealed record ClusterQueue(string Name)
{
    /// <summary>The lists that its items come from: configured here, or announced by its silos.</summary>
    public IReadOnlyList<string> Lists { get; init; } = [];

    /// <summary>The library whose messages are its jobs: as configured here, or announced by its silos.</summary>
    public Dialect? Dialect { get; init; }

    /// <summary>Whether it is configured here, or a silo serves it now: then somebody counts on its lists.</summary>
    public bool IsWanted { get; init; }

    /// <summary>Whether a silo that lives serves it.</summary>
    public bool IsServed { get; init; }

    /// <summary>Items that were ever claimed, read before the lengths of lists are; null where that may not be asked.</summary>
    public long? Claimed { get; init; }

    /// <summary>Its numbers; null where they cannot be read.</summary>
    public QueueCounts? Counts { get; init; }
}

/// <summary>
/// What the store says of the service at one moment: queues with their lists, and silos. The same for a silo and for a
/// command, so that both find the same.
/// </summary>
internal sealed class ClusterLook
{
    private const int MostQueues = 200;

    public required IReadOnlyList<ClusterQueue> Queues { get; init; }

    public required IReadOnlyList<SiloView> Silos { get; init; }

    /// <summary>Lists that Gristmill writes to: mirrored dead letters.</summary>
    public required IReadOnlySet<string> Written { get; init; }

    /// <summary>Where lists that Gristmill writes to begin: replies.</summary>
    public required IReadOnlyList<string> WrittenPrefixes { get; init; }

    public static async Task<ClusterLook> TakeAsync(Probe probe, DoctorSettings settings, CancellationToken cancellationToken)
    {
        var options = settings.Options;
        var silos = await probe.TryAsync<IReadOnlyList<SiloView>>(
            "the silos", () => new SiloRegistry(probe.Redis, options.Service).ListAsync(cancellationToken), []).ConfigureAwait(false);
        var served = silos.Where(s => !s.IsLost).SelectMany(s => s.Record.Queues.Select(q => q.Name)).ToHashSet(StringComparer.Ordinal);

        // A silo that asks knows what it serves before its first record is written.
        if (settings.SiloId is not null) served.UnionWith(options.Queues.Where(q => q.Value.Labels.All(options.Labels.Contains)).Select(q => q.Key));
        var written = options.Queues.Values.Select(q => q.DeadLetterList).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var prefixes = options.Queues.Values.SelectMany(q => q.ReplyToPrefixes).ToHashSet(StringComparer.Ordinal);
        var queues = new List<ClusterQueue>();
        foreach (var name in await NamesAsync(probe, options, cancellationToken).ConfigureAwait(false))
        {
            queues.Add(await ReadAsync(probe, options, name, served.Contains(name), written, prefixes, cancellationToken).ConfigureAwait(false));
        }

        return new ClusterLook { Queues = queues, Silos = silos, Written = written, WrittenPrefixes = [.. prefixes] };
    }

    private static async Task<IEnumerable<string>> NamesAsync(Probe probe, GristmillOptions options, CancellationToken cancellationToken)
    {
        var command = new RedisCommand("SRANDMEMBER", RedisKeys.Queues(options.Service)).Add(MostQueues);
        var reply = await probe.AskAsync("the queues", command, cancellationToken).ConfigureAwait(false);
        var known = reply is { IsAggregate: true } names ? names.AsList().Select(n => n.AsString()) : [];
        return known.Concat(options.Queues.Keys).Where(RedisKeys.IsName).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
    }

    private static async Task<ClusterQueue> ReadAsync(
        Probe probe, GristmillOptions options, string name, bool isServed, HashSet<string> written, HashSet<string> prefixes, CancellationToken cancellationToken)
    {
        var keys = new RedisKeys(options.Service, 0, name);
        var meta = await probe.AskAsync("HMGET", new RedisCommand("HMGET", keys.Of("meta"), "claimed", "mirror", "replies", "lists", "rules"), cancellationToken).ConfigureAwait(false);
        var foreign = meta is { Count: 5 } said ? ForeignLists.Parse(said[1].AsStringOrNull(), said[2].AsStringOrNull()) : ForeignLists.None;
        if (foreign.DeadLetters is { } mirror) written.Add(mirror);
        prefixes.UnionWith(foreign.ReplyPrefixes);
        var announced = (meta is { Count: 5 } of ? of[3].AsStringOrNull() : null)?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [];
        var rules = meta is { Count: 5 } ruled ? QueueRules.Parse(ruled[4].AsStringOrNull()) : null;
        var here = options.Queues.GetValueOrDefault(name);
        return new ClusterQueue(name)
        {
            // What is configured here is what its owner looks for; others' lists are as they announced them.
            Lists = [.. (here?.AllLists().Select(l => l.Name) ?? []).Union(isServed || here is null ? announced : [], StringComparer.Ordinal)],
            Dialect = here?.Dialect ?? (isServed || here is null ? rules?.Dialect : null),
            IsWanted = here is not null || isServed,
            IsServed = isServed,
            Claimed = meta is { Count: 5 } counted ? long.TryParse(counted[0].AsStringOrNull(), CultureInfo.InvariantCulture, out var claimed) ? claimed : 0 : null,
            Counts = await probe.TryAsync<QueueCounts?>(
                "the queues' numbers", async () => await new QueueStore(probe.Redis, keys).CountAsync(cancellationToken).ConfigureAwait(false), null).ConfigureAwait(false),
        };
    }
}
