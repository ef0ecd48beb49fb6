using Gristmill.Store.Sessions;

namespace Gristmill.Grains.Options;

/// <summary>
/// Jobs that name the same session (the payload's member <c>Fields:SessionId</c>) belong together: they start in order, and
/// have their progress, their results and their end in common. Times are seconds.
/// </summary>
public sealed class QueueSessionOptions
{
    /// <summary>
    /// Arrival: as jobs came (the default). Sequence: by the number in the member <c>Fields:Sequence</c>; a number that has not
    /// come is waited for. An order there is only with a Concurrency of 1; with more, jobs begin in it.
    /// </summary>
    public SessionOrder Order { get; set; } = SessionOrder.Arrival;

    /// <summary>Jobs of one session at a time, 1 to 1,000. Default 1: a job that is tried again holds its session meanwhile.</summary>
    public int Concurrency { get; set; } = 1;

    /// <summary>The first sequence number, 0 to 536,870,911. Default 0.</summary>
    public int FirstSequence { get; set; }

    /// <summary>How long a missing sequence number is waited for, 0.1 to 86,400. Then the session goes on without it. Default 30.</summary>
    public double GapSeconds { get; set; } = 30;

    /// <summary>A session with nothing to do, for which nothing has come for so long, ends: 0 (never) to 2,592,000. Default 0.</summary>
    public double IdleSeconds { get; set; }

    /// <summary>
    /// What a dead letter does to its session. Skip: it goes on without it (the default). Fail: the session has failed, and what waits in
    /// it is cancelled. Wait: it stands still until the dead letter is requeued or purged.
    /// </summary>
    public SessionFailure OnFailure { get; set; } = SessionFailure.Skip;

    /// <summary>The queue that gets a job with the ordered results when a session is over; null (the default) for none.</summary>
    public string? FinalQueue { get; set; }

    /// <summary>How long the next job of a session is left to the silo that served it last, 0 (not at all) to 60. Default 0.25.</summary>
    public double StickySeconds { get; set; } = 0.25;

    internal SessionPolicy ToPolicy(double keepSeconds) => new()
    {
        Order = Order,
        Concurrency = Concurrency,
        FirstSequence = FirstSequence,
        Gap = TimeSpan.FromSeconds(GapSeconds),
        Idle = TimeSpan.FromSeconds(IdleSeconds),
        OnFailure = OnFailure,
        Finalises = FinalQueue is not null,
        Sticky = TimeSpan.FromSeconds(StickySeconds),
        Keep = TimeSpan.FromSeconds(keepSeconds),
    };
}
