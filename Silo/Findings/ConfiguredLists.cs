using Gristmill.Grains.Options;

namespace Gristmill.Silo.Findings;

/// <summary>One configured list as it was at the last look.</summary>
internal sealed class ConfiguredList(string queue, string name)
{
    public string Queue => queue;

    public string Name => name;

    /// <summary>Whether it has been looked at.</summary>
    public bool Seen { get; set; }

    /// <summary>Items now; -1 when it is no list.</summary>
    public long Length { get; set; }

    /// <summary>Items at the look before; null at the first.</summary>
    public long? LengthBefore { get; set; }

    /// <summary>What this silo has claimed from it in all, where that is known.</summary>
    public long? Claimed { get; set; }

    public long? ClaimedBefore { get; set; }

    /// <summary>Nobody pushes to it, as far as two looks can tell; what was claimed counts once both looks know it.</summary>
    public bool IsIdle => Length == 0 && LengthBefore is null or 0 && !(Claimed > ClaimedBefore);

    /// <summary>Items that went and that no silo of ours took: at least so many, since pushes meanwhile hide more. 0 when not known.</summary>
    public long TakenByOthers => LengthBefore is { } before && Claimed is { } claimed && ClaimedBefore is { } claimedBefore
        ? Math.Max(0, before - Math.Max(0, Length) - (claimed - claimedBefore))
        : 0;
}

/// <summary>How many items the cluster has claimed from a list since some moment; so the doctor knows what others took.</summary>
internal interface IClaimCounts
{
    /// <summary>The total, growing; null where it is not known for the whole cluster.</summary>
    long? ClaimedFrom(string queue, string list);
}

/// <summary>Check (a): a configured list is a list, or not there yet. Looks at all of them and keeps what it saw.</summary>
internal sealed class ConfiguredLists(GristmillOptions options, IClaimCounts? claims)
{
    public IReadOnlyList<ConfiguredList> All { get; } =
        [.. options.Queues.SelectMany(q => q.Value.AllLists().Select(l => new ConfiguredList(q.Key, l.Name)))];

    public async Task LookAsync(Probe probe, List<Finding> found, CancellationToken cancellationToken)
    {
        foreach (var list in All)
        {
            (list.LengthBefore, list.ClaimedBefore) = (list.Seen ? list.Length : null, list.Claimed);
            list.Claimed = claims?.ClaimedFrom(list.Queue, list.Name);
            list.Seen = true;
            var type = await probe.TypeAsync(list.Name, cancellationToken).ConfigureAwait(false);
            if (type is "list" or "none")
            {
                list.Length = await probe.LengthAsync(list.Name, cancellationToken).ConfigureAwait(false);
                continue;
            }

            list.Length = -1;
            found.Add(new Finding("list_wrong_type", Finding.Error, list.Queue,
                $"The list '{list.Name}' of the queue '{list.Queue}' is a {type} in Redis, not a list: nothing can be taken from it.",
                $"Find who writes it (redis-cli TYPE {list.Name}; another library may use the name), and rename one of the two or delete the key."));
        }
    }
}
