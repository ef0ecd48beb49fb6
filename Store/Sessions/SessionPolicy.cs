using System.Globalization;

namespace Gristmill.Store.Sessions;

/// <summary>The order in which the jobs of a session start.</summary>
public enum SessionOrder
{
    /// <summary>As they came.</summary>
    Arrival,

    /// <summary>By the sequence number that each carries; a number that has not come is waited for.</summary>
    Sequence,
}

/// <summary>What becomes of a session of which a job failed for good.</summary>
public enum SessionFailure
{
    /// <summary>The session goes on without it.</summary>
    Skip,

    /// <summary>The session has failed: what waits in it is cancelled.</summary>
    Fail,

    /// <summary>The session waits until somebody requeues or purges the dead letter.</summary>
    Wait,
}

/// <summary>How a queue treats jobs that belong together. Silos write it where the store's scripts read it, so clients need not know it.</summary>
public sealed record SessionPolicy
{
    /// <summary>Sequence numbers are below this: 2^29.</summary>
    public const int MaxSequence = 536_870_911;

    /// <summary>In which order jobs start.</summary>
    public SessionOrder Order { get; init; }

    /// <summary>Jobs of one session at a time, 1 to 1,000.</summary>
    public int Concurrency { get; init; } = 1;

    /// <summary>The first sequence number, 0 to <see cref="MaxSequence"/>.</summary>
    public int FirstSequence { get; init; }

    /// <summary>How long a missing sequence number is waited for.</summary>
    public TimeSpan Gap { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A session for which nothing has come for so long ends; zero for never.</summary>
    public TimeSpan Idle { get; init; }

    /// <summary>What a failed job does to its session.</summary>
    public SessionFailure OnFailure { get; init; }

    /// <summary>Whether a finalising job is enqueued at a session's end.</summary>
    public bool Finalises { get; init; }

    /// <summary>How long a session's next job is left to the silo that served it last; zero for not at all.</summary>
    public TimeSpan Sticky { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long the record of an ended session is kept.</summary>
    public TimeSpan Keep { get; init; } = TimeSpan.FromDays(1);

    /// <summary>The policy as Scripts/sessions.lua reads it.</summary>
    public string ToText() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Concurrency} {(Order == SessionOrder.Sequence ? 's' : 'a')} {FirstSequence} {Ms(Gap)} {Ms(Idle)} {(OnFailure switch { SessionFailure.Fail => 'f', SessionFailure.Wait => 'w', _ => 's' })} {(Finalises ? 1 : 0)} {Ms(Sticky)} {Ms(Keep)}");

    private static long Ms(TimeSpan time) => (long)time.TotalMilliseconds;
}
