using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gristmill.Client;

/// <summary>
/// What a job asks for. What stands here comes before what the payload's own members say (job_id, priority, …); null leaves
/// it to them, and to the queue.
/// </summary>
public sealed record EnqueueOptions
{
    /// <summary>
    /// Makes enqueueing the same job twice harmless: at most 256 bytes of text. Null: the client gives one, or the store
    /// (<see cref="GristmillClientOptions.GenerateIds"/>).
    /// </summary>
    public string? Id { get; init; }

    /// <summary>The session that the job belongs to, at most 256 bytes of text.</summary>
    public string? SessionId { get; init; }

    /// <summary>The place in the session's order, 0 to 536,870,911, where the queue orders sessions by number.</summary>
    public int? Sequence { get; init; }

    /// <summary>How many jobs the session has, 1 to 536,870,911: it is over when so many are done.</summary>
    public int? SessionTotal { get; init; }

    /// <summary>Whether this is the session's last job.</summary>
    public bool? SessionEnd { get; init; }

    /// <summary>0 (first) to 9; "high" is 2, "normal" 5 and "low" 8.</summary>
    public int? Priority { get; init; }

    /// <summary>Attempts in all, 1 to 1,001.</summary>
    public int? MaxAttempts { get; init; }

    /// <summary>The time limit of one attempt, 1 ms to 30 days.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Not before this time.</summary>
    public DateTimeOffset? RunAt { get; init; }

    /// <summary>Ids of jobs of the same queue that must complete first, at most 100.</summary>
    public IReadOnlyList<string>? DependsOn { get; init; }

    /// <summary>The Redis list that gets the result as JSON; the queue must allow its prefix.</summary>
    public string? ReplyTo { get; init; }
}

/// <summary>One job of many.</summary>
/// <param name="Payload">The payload, JSON where the queue asks for it.</param>
/// <param name="Options">What it asks for; null for what the payload and the queue say.</param>
public readonly record struct EnqueueRequest(ReadOnlyMemory<byte> Payload, EnqueueOptions? Options = null)
{
    /// <summary>A job with a typed payload.</summary>
    /// <typeparam name="T">The payload's type.</typeparam>
    /// <param name="payload">The payload.</param>
    /// <param name="type">How to write it.</param>
    /// <param name="options">What it asks for.</param>
    public static EnqueueRequest Of<T>(T payload, JsonTypeInfo<T> type, EnqueueOptions? options = null) =>
        new(JsonSerializer.SerializeToUtf8Bytes(payload, type), options);

    /// <summary>A job with a typed payload, written as <see cref="JsonSerializerOptions.Web"/> says.</summary>
    /// <typeparam name="T">The payload's type.</typeparam>
    /// <param name="payload">The payload.</param>
    /// <param name="options">What it asks for.</param>
    [RequiresUnreferencedCode(Reflection.Message), RequiresDynamicCode(Reflection.Message)]
    public static EnqueueRequest Of<T>(T payload, EnqueueOptions? options = null) =>
        new(JsonSerializer.SerializeToUtf8Bytes(payload, JsonSerializerOptions.Web), options);
}

/// <summary>What became of a job that was handed over.</summary>
public enum EnqueueOutcome
{
    /// <summary>It was enqueued.</summary>
    Created,

    /// <summary>The job with this id and payload was there already.</summary>
    Existing,

    /// <summary>The id belongs to a job with another payload; nothing was enqueued.</summary>
    Conflict,

    /// <summary>The id was cancelled before its job came; it was recorded as cancelled.</summary>
    Cancelled,
}
