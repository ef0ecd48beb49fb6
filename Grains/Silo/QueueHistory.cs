using Gristmill.Grains.Handlers;

namespace Gristmill.Grains.Silo;

/// <summary>What was given back of lost silos within a while.</summary>
/// <param name="Leases">Leases that had expired.</param>
/// <param name="Recovered">Jobs that went back to the queue.</param>
/// <param name="Dead">Jobs that had lost their silo too often and are dead letters.</param>
/// <param name="At">When it was the last time.</param>
internal sealed record Recovery(int Leases, int Recovered, int Dead, DateTimeOffset At);

/// <summary>
/// What a queue went through on this silo lately, for the doctor: leases that expired, its own and others', jobs that were
/// given back, keys that were flushed, bridges that failed. Written by the bridge, read from any thread. Holds the last <see cref="Most"/> events.
/// </summary>
internal sealed class QueueHistory(TimeProvider clock)
{
    /// <summary>How far back it is told of: long enough to be seen, short enough to be true.</summary>
    public static readonly TimeSpan Shown = TimeSpan.FromMinutes(10);

    /// <summary>Bridges that fail so often within <see cref="FailuresWithin"/> do not serve their queue.</summary>
    private const int TooManyFailures = 3;

    /// <summary>How far back failures of bridges are counted.</summary>
    public static readonly TimeSpan FailuresWithin = TimeSpan.FromMinutes(1);

    private const int Most = 100;
    private readonly Lock _gate = new();
    private readonly Queue<DateTimeOffset> _lost = new();
    private readonly Queue<Recovery> _recoveries = new();
    private readonly Queue<(DateTimeOffset At, string Error)> _failures = new();
    private DateTimeOffset? _flushedAt;

    /// <summary>The own lease was found expired.</summary>
    public void LeaseLost()
    {
        lock (_gate) Keep(_lost, clock.GetUtcNow());
    }

    /// <summary>Leases had expired, and what they held was given back.</summary>
    public void Reaped(int leases, int recovered, int dead)
    {
        lock (_gate) Keep(_recoveries, new Recovery(leases, recovered, dead, clock.GetUtcNow()));
    }

    /// <summary>The keys of the queue were found flushed.</summary>
    public void Flushed()
    {
        lock (_gate) _flushedAt = clock.GetUtcNow();
    }

    /// <summary>A loop of the queue's bridge has failed, and another bridge takes its place.</summary>
    public void BridgeFailed(Exception error)
    {
        lock (_gate) Keep(_failures, (clock.GetUtcNow(), PlainText.OneLine($"{error.GetType().Name}: {error.Message}")));
    }

    /// <summary>That bridges fail again and again, for people; null when they do not.</summary>
    public string? Failing
    {
        get
        {
            lock (_gate)
            {
                var count = _failures.Count(f => clock.GetUtcNow() - f.At < FailuresWithin);
                return count < TooManyFailures ? null : $"its bridge failed {count} times within a minute, the last time with {_failures.Last().Error}";
            }
        }
    }

    /// <summary>How often the own lease was lost lately.</summary>
    public int LeasesLost
    {
        get
        {
            lock (_gate) return _lost.Count(IsRecent);
        }
    }

    /// <summary>When the keys were flushed; null when that was not lately.</summary>
    public DateTimeOffset? FlushedAt
    {
        get
        {
            lock (_gate) return _flushedAt is { } at && IsRecent(at) ? at : null;
        }
    }

    /// <summary>All that was given back lately; null when nothing was.</summary>
    public Recovery? Recovered
    {
        get
        {
            lock (_gate)
            {
                var recent = _recoveries.Where(r => IsRecent(r.At)).ToList();
                return recent.Count == 0 ? null : new Recovery(recent.Sum(r => r.Leases), recent.Sum(r => r.Recovered), recent.Sum(r => r.Dead), recent[^1].At);
            }
        }
    }

    private bool IsRecent(DateTimeOffset at) => clock.GetUtcNow() - at < Shown;

    private static void Keep<T>(Queue<T> events, T item)
    {
        events.Enqueue(item);
        while (events.Count > Most) events.Dequeue();
    }
}
