using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gristmill.Client;

/// <summary>The sessions of one queue: jobs that name the same session, where the queue has a policy for them.</summary>
public interface ISessions
{
    /// <summary>A page, in no order; those that are over among them as long as they are kept.</summary>
    /// <param name="cursor">From the page before; null for the first.</param>
    /// <param name="limit">About how many, 1 to 1,000.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="FormatException">The cursor is none of this queue's.</exception>
    Task<SessionList> ListAsync(string? cursor = null, int limit = 100, CancellationToken cancellationToken = default);

    /// <summary>How far a session is; null when there is none of this id.</summary>
    /// <param name="id">The session's id.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    Task<Session?> GetAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>The jobs of a session in its order, with their results.</summary>
    /// <param name="id">The session's id.</param>
    /// <param name="cursor">From the page before; null for the first.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="FormatException">The cursor is none of this queue's.</exception>
    Task<SessionJobList> JobsAsync(string id, string? cursor = null, int limit = 100, CancellationToken cancellationToken = default);

    /// <summary>Ends a session: what has come is worked off, and then it is over.</summary>
    /// <param name="id">The session's id.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    Task<SessionVerdict> EndAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>Cancels a session with all that it holds; a silo of the queue does it, within a second.</summary>
    /// <param name="id">The session's id.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    Task<SessionVerdict> CancelAsync(string id, CancellationToken cancellationToken = default);
}

/// <summary>What became of the wish to end or cancel a session.</summary>
public enum SessionVerdict
{
    /// <summary>It is being done.</summary>
    Accepted,

    /// <summary>The session is over already, or on its way to another end.</summary>
    Over,

    /// <summary>There is no such session.</summary>
    Unknown,
}

/// <summary>A session as it stands.</summary>
public sealed record Session
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>The queue.</summary>
    public required string Queue { get; init; }

    /// <summary>open, ending, failing, cancelling, finalising, completed, failed or cancelled.</summary>
    public required string State { get; init; }

    /// <summary>Jobs that completed.</summary>
    public long Done { get; init; }

    /// <summary>Jobs in all; null while nobody has said, and the session is open.</summary>
    public long? Total { get; init; }

    /// <summary>0 to 100, running jobs weighed by their own progress; never falls; null while the total is not known.</summary>
    public double? Percent { get; init; }

    /// <summary>Jobs that are dead letters.</summary>
    public long Failed { get; init; }

    /// <summary>Jobs that were cancelled.</summary>
    public long Cancelled { get; init; }

    /// <summary>Sequence numbers that did not come in time.</summary>
    public long Missing { get; init; }

    /// <summary>Jobs that have come.</summary>
    public long Arrived { get; init; }

    /// <summary>Jobs that wait for others of the session.</summary>
    public long Waiting { get; init; }

    /// <summary>Jobs that run, are ready or wait for another attempt.</summary>
    public long Active { get; init; }

    /// <summary>How many dead letters hold the session until they are requeued or purged.</summary>
    public int HeldBy { get; init; }

    /// <summary>When its first job came.</summary>
    public DateTimeOffset OpenedAt { get; init; }

    /// <summary>When the last thing happened to it.</summary>
    public DateTimeOffset ChangedAt { get; init; }
}

/// <summary>A page of sessions.</summary>
/// <param name="Sessions">The sessions.</param>
/// <param name="Cursor">Where the next page begins; null when there is none.</param>
public sealed record SessionList(IReadOnlyList<Session> Sessions, string? Cursor);

/// <summary>A job of a session.</summary>
/// <param name="Order">Its place: the sequence number, or counted from the first as they came.</param>
/// <param name="Id">The job's id.</param>
/// <param name="State">Its state.</param>
/// <param name="Result">Its result; null when there is none.</param>
public sealed record SessionJob(long Order, string Id, [property: JsonConverter(typeof(JobStateConverter))] Store.JobState State, JsonElement? Result);

/// <summary>Jobs of a session in its order.</summary>
/// <param name="Jobs">The jobs.</param>
/// <param name="Cursor">Where the next page begins; null when there is none.</param>
public sealed record SessionJobList(IReadOnlyList<SessionJob> Jobs, string? Cursor);
