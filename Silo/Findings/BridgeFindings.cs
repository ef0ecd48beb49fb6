using Gristmill.Grains.Silo;

namespace Gristmill.Silo.Findings;

/// <summary>
/// What this silo's bridges say themselves, also while Redis is away: what keeps them from serving their queues, sessions
/// that lack jobs, leases that expired, jobs of lost silos that were given back, keys that were flushed.
/// </summary>
internal sealed class BridgeFindings(SiloQueues queues, TimeProvider clock) : IOwnFindings
{
    // How often a lease may be lost within QueueHistory.Shown before it is too often: a restart of Redis costs one.
    private const int TooOften = 3;

    public IReadOnlyList<Finding> Current => [.. queues.All.SelectMany(Of)];

    /// <summary>What is to be said of one queue.</summary>
    internal IEnumerable<Finding> Of(QueueRuntime queue)
    {
        if (queue.Trouble is { } trouble)
        {
            yield return new Finding("queue_not_served", Finding.Error, queue.Name,
                $"Queue {queue.Name} cannot be served: {trouble}", "Mend what it says; it is tried again all the time. A handler, a worker's command or an option that was changed needs a new start of the silo.");
        }

        if (queue.LastGap is { } gap && clock.GetUtcNow() - gap.At < QueueHistory.Shown)
        {
            yield return new Finding("sequence_gap", Finding.Warning, queue.Name,
                $"Session {gap.Session} of queue {queue.Name} went on without {gap.Missing} sequence numbers, which had not come within {queue.Options.Sessions!.GapSeconds} s.",
                "Ask the producer for them; if its numbers do not begin at 0, set Sessions:FirstSequence; if they come later than that, Sessions:GapSeconds.");
        }

        if (queue.History.FlushedAt is { } flushed)
        {
            yield return new Finding("store_flushed", Finding.Warning, queue.Name,
                $"The keys of queue {queue.Name} were removed {Ago(flushed)} ago (FLUSHDB, FLUSHALL, or Redis restarted without its data): the jobs that were admitted before are gone.",
                "Find who flushed (redis-cli INFO commandstats counts it), forbid it (ACL SETUSER … -flushdb -flushall), and push what is missing again.");
        }

        if (queue.History.LeasesLost is >= TooOften and var lost)
        {
            yield return new Finding("leases_expire", Finding.Warning, queue.Name,
                $"This silo lost its lease on queue {queue.Name} {lost} times within {QueueHistory.Shown.TotalMinutes:0} minutes: each time its jobs run again elsewhere.",
                "See what keeps it from renewing in time (a machine without free CPU, a slow network or a Redis that stands still: redis-cli --latency, SLOWLOG GET), or raise LeaseSeconds.");
        }

        if (queue.History.Recovered is { } back)
        {
            foreach (var finding in Recovered(queue.Name, back)) yield return finding;
        }
    }

    private IEnumerable<Finding> Recovered(string queue, Recovery back)
    {
        if (back.Recovered + back.Dead > 0)
        {
            yield return new Finding("jobs_recovered", back.Dead > 0 ? Finding.Warning : Finding.Info, queue,
                $"Jobs of lost silos came back to queue {queue}, the last {Ago(back.At)} ago: {back.Recovered} run again, {back.Dead} had lost their silo too often and are dead letters (in the last {QueueHistory.Shown.TotalMinutes:0} minutes).",
                "See why the silo was lost (gristmill silos lists it); what had begun runs a second time, so side effects need the idempotency key.");
        }

        if (back.Leases >= TooOften)
        {
            yield return new Finding("leases_expire", Finding.Warning, queue,
                $"{back.Leases} leases of other silos on queue {queue} expired within {QueueHistory.Shown.TotalMinutes:0} minutes: silos die, stand still or are cut off again and again.",
                "See the logs of the silos that gristmill silos lists as lost or as young; if they live and only could not renew in time, raise LeaseSeconds.");
        }
    }

    private string Ago(DateTimeOffset at) => $"{Math.Max(0, (clock.GetUtcNow() - at).TotalSeconds):0} s";
}
