namespace Gristmill.Store.Sessions;

/// <summary>Where a session stands.</summary>
public enum SessionState
{
    /// <summary>It takes jobs.</summary>
    Open,

    /// <summary>It has ended: what has come is worked off.</summary>
    Ending,

    /// <summary>A job failed, and with it the session: what waits is being cancelled.</summary>
    Failing,

    /// <summary>Somebody cancelled it: what it holds is being cancelled.</summary>
    Cancelling,

    /// <summary>All its jobs have ended; the finalising job is being enqueued.</summary>
    Finalising,

    /// <summary>Over, and no job failed it.</summary>
    Completed,

    /// <summary>Over, failed by a job.</summary>
    Failed,

    /// <summary>Over, cancelled.</summary>
    Cancelled,
}

/// <summary>A session as it stands.</summary>
public sealed record SessionView
{
    /// <summary>The queue.</summary>
    public required string Queue { get; init; }

    /// <summary>The session's id.</summary>
    public required string Id { get; init; }

    /// <summary>Where it stands.</summary>
    public required SessionState State { get; init; }

    /// <summary>What it ends as: completed, failed or cancelled; null while it is open for any of them.</summary>
    public SessionState? Outcome { get; init; }

    /// <summary>Jobs that completed. Never falls while the session lasts.</summary>
    public long Done { get; init; }

    /// <summary>Jobs that are dead letters.</summary>
    public long Failed { get; init; }

    /// <summary>Jobs that were cancelled.</summary>
    public long Cancelled { get; init; }

    /// <summary>Sequence numbers that were given up.</summary>
    public long Missing { get; init; }

    /// <summary>Jobs in all; null while nobody has said, and the session is open.</summary>
    public long? Total { get; init; }

    /// <summary>Jobs that have come.</summary>
    public long Arrived { get; init; }

    /// <summary>Jobs that wait for others of the session.</summary>
    public long Waiting { get; init; }

    /// <summary>Jobs that run, are ready or wait for another attempt.</summary>
    public long Active { get; init; }

    /// <summary>0 to 100, with the progress of running jobs; never falls; null while the total is not known.</summary>
    public double? Percent { get; init; }

    /// <summary>Numbers of dead letters that hold the session until somebody requeues or purges them.</summary>
    public IReadOnlyList<long> HeldBy { get; init; } = [];

    /// <summary>When its first job came.</summary>
    public required DateTimeOffset OpenedAt { get; init; }

    /// <summary>When the last thing happened to it.</summary>
    public required DateTimeOffset ChangedAt { get; init; }

    /// <summary>Whether it is over.</summary>
    public bool IsOver => State is SessionState.Completed or SessionState.Failed or SessionState.Cancelled;
}

/// <summary>A page of sessions, in no order.</summary>
/// <param name="Sessions">The sessions.</param>
/// <param name="Cursor">Where the next page begins; null when there is none.</param>
public sealed record SessionPage(IReadOnlyList<SessionView> Sessions, string? Cursor);

/// <summary>Jobs of a session in its order.</summary>
/// <param name="Jobs">Each with its place in the order: the sequence number, or 0 and on as they came.</param>
/// <param name="Cursor">Where the next page begins; null when there is none.</param>
public sealed record SessionJobs(IReadOnlyList<(long Order, JobView Job)> Jobs, string? Cursor);

/// <summary>What a look at sessions whose time has come brought.</summary>
/// <param name="Finals">Sessions whose finalising job is to be enqueued: this caller's to do within 10 s.</param>
/// <param name="Gaps">Sessions that went on without numbers that had not come, each with how many.</param>
/// <param name="More">Whether there may be more to look at now.</param>
public sealed record SessionStepReply(IReadOnlyList<string> Finals, IReadOnlyList<(string Session, long Missing)> Gaps, bool More);
