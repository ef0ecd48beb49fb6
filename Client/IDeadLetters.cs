using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gristmill.Client;

/// <summary>The dead letters of one queue: what could not be done, why, and with its raw bytes. They stay until somebody acts.</summary>
public interface IDeadLetters
{
    /// <summary>A page, newest first.</summary>
    /// <param name="cursor">From the page before; null for the first.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="FormatException">The cursor is none of this queue's.</exception>
    Task<DeadLetterList> ListAsync(string? cursor = null, int limit = 100, CancellationToken cancellationToken = default);

    /// <summary>The dead letter with this id; null when there is none.</summary>
    /// <param name="id">The job's id.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    Task<DeadLetter?> GetAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>
    /// The refused jobs whose payload gave this id: they go by the store's own, since theirs is wrong or another job's. Looks
    /// through the newest 1,000 dead letters.
    /// </summary>
    /// <param name="payloadId">The id that the payload gave.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <returns>The dead letters, newest first.</returns>
    Task<IReadOnlyList<DeadLetter>> FindByPayloadIdAsync(string payloadId, CancellationToken cancellationToken = default);

    /// <summary>Makes one a ready job again, with fresh budgets.</summary>
    /// <param name="id">The job's id.</param>
    /// <param name="payload">The payload that replaces its own; null to keep it.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="InvalidJobException">The new payload cannot be a job's.</exception>
    Task<RequeueOutcome> RequeueAsync(string id, ReadOnlyMemory<byte>? payload = null, CancellationToken cancellationToken = default);

    /// <summary>Makes many ready jobs again: those that are dead when the call begins and match.</summary>
    /// <param name="filter">Which; null for all.</param>
    /// <param name="cancellationToken">Stops it between batches.</param>
    /// <returns>How many.</returns>
    Task<long> RequeueAllAsync(DeadLetterFilter? filter = null, CancellationToken cancellationToken = default);

    /// <summary>Forgets one for good.</summary>
    /// <param name="id">The job's id.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <returns>Whether there was one.</returns>
    Task<bool> PurgeAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>Forgets many for good: those that are dead when the call begins and match.</summary>
    /// <param name="filter">Which; null for all.</param>
    /// <param name="cancellationToken">Stops it between batches.</param>
    /// <returns>How many.</returns>
    Task<long> PurgeAllAsync(DeadLetterFilter? filter = null, CancellationToken cancellationToken = default);
}

/// <summary>Which dead letters; what is null matches all.</summary>
public sealed record DeadLetterFilter
{
    /// <summary>Those with this reason: retries, timeout, malformed, ….</summary>
    public string? Reason { get; init; }

    /// <summary>Only those of a session.</summary>
    public string? SessionId { get; init; }

    /// <summary>Those that died before this time.</summary>
    public DateTimeOffset? DiedBefore { get; init; }

    /// <summary>Those that died at this time or later.</summary>
    public DateTimeOffset? DiedSince { get; init; }

    internal bool Matches(DeadLetter letter) =>
        (Reason is null || letter.Reason == Reason)
        && (SessionId is null || letter.SessionId == SessionId)
        && (DiedBefore is null || letter.DiedAt < DiedBefore)
        && (DiedSince is null || letter.DiedAt >= DiedSince);
}

/// <summary>The words for why a job is a dead letter; docs/states.md says what each means.</summary>
public static class DeadReasons
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "retries", "timeout", "fatal", "lost_worker", "out_of_memory", "dependency_failed", "too_many_dependents",
        "malformed", "invalid_field", "id_conflict", "foreign_dialect", "too_large", "corrupt",
    ];
}

/// <summary>A dead letter. As JSON it is what the HTTP API gives.</summary>
public sealed record DeadLetter
{
    /// <summary>The job's id.</summary>
    public required string Id { get; init; }

    /// <summary>The id that its payload gave, where the job was refused and goes by another; null otherwise.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PayloadId { get; init; }

    /// <summary>The queue.</summary>
    public required string Queue { get; init; }

    /// <summary>Why: a word such as retries, timeout, malformed, too_large, id_conflict, lost_worker.</summary>
    public required string Reason { get; init; }

    /// <summary>The attempts that it had.</summary>
    public int Attempts { get; init; }

    /// <summary>The last errors, oldest first.</summary>
    public IReadOnlyList<JobFailure> Errors { get; init; } = [];

    /// <summary>The session that it belonged to.</summary>
    public string? SessionId { get; init; }

    /// <summary>When the store got it.</summary>
    public DateTimeOffset EnqueuedAt { get; init; }

    /// <summary>When it died.</summary>
    public DateTimeOffset DiedAt { get; init; }

    /// <summary>The payload where it is text: JSON as it stands, other text as a string; null where it is not.</summary>
    public JsonElement? Payload { get; init; }

    /// <summary>The payload in base64 where it is no text; null where it is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PayloadBase64 { get; init; }

    /// <summary>The length of the payload in bytes.</summary>
    public int PayloadBytes { get; init; }

    /// <summary>The bytes as they were pushed.</summary>
    [JsonIgnore]
    public ReadOnlyMemory<byte> RawPayload { get; init; }

    [JsonIgnore]
    internal long Seq { get; init; }
}

/// <summary>A page of dead letters.</summary>
/// <param name="DeadLetters">The dead letters, newest first.</param>
/// <param name="Cursor">Where the next page begins; null when there is none.</param>
public sealed record DeadLetterList(IReadOnlyList<DeadLetter> DeadLetters, string? Cursor);
