using System.Text.RegularExpressions;
using Gristmill.Redis;
using Gristmill.Silo.Commands;

namespace Gristmill.Silo.Findings;

/// <summary>
/// The doctor: one look at the whole database, for a silo and for `gristmill doctor` alike, so that both say the same. Steps:
/// what the store knows of queues and silos (<see cref="ClusterLook"/>) → nothing, and of whom it does (<see cref="OtherServices"/>) → their lists (<see cref="ConfiguredLists"/>) → what
/// keeps queues waiting (<see cref="QueueFindings"/>) → silos (<see cref="SiloFindings"/>) → jobs that wait elsewhere
/// (<see cref="ForeignQueues"/>) → who is connected (<see cref="ClientSamples"/>, <see cref="OtherConsumers"/>,
/// <see cref="ForeignWorkers"/>) → the server (<see cref="ServerSettings"/>) → what could not be looked at.
/// </summary>
/// <remarks>
/// Each look remembers lengths and totals for the next, which then sees what grows and what vanishes. All that it sends is
/// small and bounded: no command takes a step of the server that grows with the database.
/// </remarks>
internal sealed partial class DoctorLook
{
    private const int LongestText = 4000;

    private readonly DoctorSettings _settings;
    private readonly TimeProvider _clock;
    private readonly Probe _probe;
    private readonly ConfiguredLists _lists = new();
    private readonly ForeignQueues _foreign;
    private readonly OtherServices _services;

    public DoctorLook(IRedisClient redis, DoctorSettings settings, ILogger logger, TimeProvider clock)
    {
        _settings = settings;
        _clock = clock;
        _probe = new Probe(redis, logger);
        _foreign = new ForeignQueues(_lists, settings, clock);
        _services = new OtherServices(settings, clock);
    }

    /// <summary>How many keys the database has, as far as is known; 0 before the first look.</summary>
    public long Keys { get; private set; }

    /// <summary>How many of them were gone through.</summary>
    public long KeysSeen => _foreign.HasSeenAll ? Keys : Math.Min(Keys, _foreign.KeysSeen);

    /// <summary>The service's silos that lived at the last look.</summary>
    public int Silos { get; private set; }

    /// <summary>The service's queues at the last look.</summary>
    public int Queues { get; private set; }

    /// <summary>One look. Not for use from several threads.</summary>
    /// <returns>What was found, the worst first.</returns>
    /// <exception cref="RedisException">The server cannot be asked.</exception>
    public async Task<IReadOnlyList<Finding>> TakeAsync(CancellationToken cancellationToken)
    {
        var found = new List<Finding>();
        _probe.Begin();
        var cluster = await ClusterLook.TakeAsync(_probe, _settings, cancellationToken).ConfigureAwait(false);
        await _services.LookAsync(_probe, cluster, found, cancellationToken).ConfigureAwait(false);
        (Silos, Queues) = (cluster.Silos.Count(s => !s.IsLost), cluster.Queues.Count);
        await _lists.LookAsync(_probe, cluster, _settings, found, cancellationToken).ConfigureAwait(false);
        await QueueFindings.LookAsync(_probe, cluster, _lists, _settings, found, cancellationToken).ConfigureAwait(false);
        OptionFindings.Look(cluster, found);
        await SiloFindings.LookAsync(_probe, cluster, _settings, found, cancellationToken).ConfigureAwait(false);
        await _foreign.LookAsync(_probe, cluster, found, cancellationToken).ConfigureAwait(false);
        var (clients, popping) = await ClientSamples.TakeAsync(_probe, _settings, _clock, cancellationToken).ConfigureAwait(false);
        OtherConsumers.Judge(_lists, popping, found);
        await ForeignWorkers.LookAsync(_probe, _lists, cluster, _foreign, clients, found, cancellationToken).ConfigureAwait(false);
        await ServerSettings.LookAsync(_probe, _settings.Options, found, cancellationToken).ConfigureAwait(false);
        var size = await _probe.AskAsync("DBSIZE", new RedisCommand("DBSIZE"), cancellationToken).ConfigureAwait(false);
        Keys = size?.AsInteger() ?? 0;
        found.AddRange(Unseen());
        return [.. found.Select(Clean).OrderBy(f => f.Rank)];
    }

    private IEnumerable<Finding> Unseen()
    {
        // What the embedded store lacks is known, and nobody's to mend.
        if (_probe.Left.Count > 0 && _probe.Redis.Server is not { IsGarnet: true })
        {
            yield return new Finding("not_looked_at", Finding.Info, null,
                $"Not all could be looked at: {string.Join("; ", _probe.Left.Select(l => $"{l.Key} ({l.Value.TrimEnd('.')})"))}.",
                "Give the user in the address these rights (ACL SETUSER … +client|list +config|get +info +scan +type ~*), or look from another one with gristmill doctor --redis.");
        }

        if (!_foreign.HasSeenAll || _foreign.IsFull)
        {
            yield return new Finding("looked_in_part", Finding.Info, null,
                _foreign.HasSeenAll
                    ? "The database has more lists or sorted sets of others than are followed; what is said of lists elsewhere is of a part of them."
                    : $"Some {KeysSeen} of {Keys} keys have been gone through; what is said of lists elsewhere is of that part.",
                _foreign.HasSeenAll
                    ? "Nothing needs to be done: names like those of configured lists, and of other libraries, are followed before others."
                    : "Nothing needs to be done: a silo goes on with its next look, and gristmill doctor --seconds 60 goes through more at once.");
        }
    }

    // Names of keys and clients are others' words: they must not break a line of the log.
    private static Finding Clean(Finding finding) => finding with
    {
        Code = Clean(finding.Code),
        Severity = finding.Severity is Finding.Error or Finding.Warning ? finding.Severity : Finding.Info,
        Queue = finding.Queue is { } queue ? Clean(queue) : null,
        Silo = finding.Silo is { } silo ? Clean(silo) : null,
        Message = Clean(finding.Message),
        Action = Clean(finding.Action),
    };

    private static string Clean(string text)
    {
        text = LongName().Replace(Plain.Text(Plain.OneLine(text)).Replace('\t', '\uFFFD'), "'$1…'");
        return text.Length <= LongestText ? text : text[..LongestText] + "…";
    }

    // A name between quotes; what stands between words, as in "others' lists", is no quote.
    [GeneratedRegex("(?<!\\w)'([^']{200})[^']+'(?!\\w)")]
    private static partial Regex LongName();
}
