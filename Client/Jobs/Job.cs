using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>A job as it stands. As JSON it is what the HTTP API gives.</summary>
public sealed record Job
{
    /// <summary>The id.</summary>
    public required string Id { get; init; }

    /// <summary>The queue.</summary>
    public required string Queue { get; init; }

    /// <summary>The state.</summary>
    [JsonConverter(typeof(JobStateConverter))]
    public required JobState State { get; init; }

    /// <summary>The attempt that runs or was the last to run; 0 before the first.</summary>
    public int Attempt { get; init; }

    /// <summary>Attempts in all, where the job has a number of its own; null where the queue's policy decides.</summary>
    public int? MaxAttempts { get; init; }

    /// <summary>How far it is; null when the handler has not said.</summary>
    public JobProgress? Progress { get; init; }

    /// <summary>The result; null when there is none.</summary>
    public JsonElement? Result { get; init; }

    /// <summary>The last errors, oldest first.</summary>
    public IReadOnlyList<JobFailure> Errors { get; init; } = [];

    /// <summary>Why it is dead or cancelled: a word such as retries, timeout, malformed, id_conflict; null otherwise.</summary>
    public string? Reason { get; init; }

    /// <summary>The session that it belongs to.</summary>
    public string? SessionId { get; init; }

    /// <summary>0 (first) to 9.</summary>
    public int Priority { get; init; }

    /// <summary>When the store got it.</summary>
    public DateTimeOffset EnqueuedAt { get; init; }

    /// <summary>When the last attempt started.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When the outcome was found.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>The silo that runs it, or ran it last.</summary>
    public string? Silo { get; init; }

    /// <summary>What it waits for; null while it runs and when it has ended.</summary>
    public JobWait? WaitingFor { get; init; }

    /// <summary>Somebody asked to cancel it while it runs.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>Whether it has its outcome.</summary>
    [JsonIgnore]
    public bool IsFinished => JobStates.IsFinal(State);

    /// <summary>The payload as it was pushed.</summary>
    [JsonIgnore]
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>The number in the store, by which events name it.</summary>
    [JsonIgnore]
    internal long Seq { get; init; }

    /// <summary>The result of a completed job; default when it completed without one.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="options">How to read it; null for <see cref="JsonSerializerOptions.Web"/>.</param>
    /// <exception cref="JobNotCompletedException">The job has not completed; the message says what became of it.</exception>
    /// <exception cref="JsonException">The result is not of this type.</exception>
    [RequiresUnreferencedCode(Reflection.Message), RequiresDynamicCode(Reflection.Message)]
    public T? GetResult<T>(JsonSerializerOptions? options = null)
    {
        EnsureCompleted();
        return Result is { } result ? result.Deserialize<T>(options ?? JsonSerializerOptions.Web) : default;
    }

    /// <summary>The result of a completed job; default when it completed without one.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="type">How to read it.</param>
    /// <exception cref="JobNotCompletedException">The job has not completed; the message says what became of it.</exception>
    /// <exception cref="JsonException">The result is not of this type.</exception>
    public T? GetResult<T>(JsonTypeInfo<T> type)
    {
        EnsureCompleted();
        return Result is { } result ? result.Deserialize(type) : default;
    }

    private void EnsureCompleted()
    {
        if (State == JobState.Completed) return;
        var why = Reason is null ? string.Empty : $", because of {Reason}";
        var last = Errors.Count == 0 ? string.Empty : $" The last error: {Errors[^1].Message}";
        throw new JobNotCompletedException($"The job {Queue}/{Id} has no result: it is {JobStates.Name(State)}{why}.{last}", this);
    }
}

/// <summary>One entry of a job's history of errors.</summary>
/// <param name="At">When.</param>
/// <param name="Attempt">The attempt that failed, from 1; 0 when the job was refused before any. One that lost its silo or worker, or ran out of memory, is made again under its number.</param>
/// <param name="Kind">What went wrong: error, timeout, fatal, oom, lost, malformed, …</param>
/// <param name="Message">For people.</param>
public sealed record JobFailure(DateTimeOffset At, int Attempt, string Kind, string Message);

/// <summary>What a job waits for.</summary>
/// <param name="For">
/// time (see <paramref name="Until"/>), jobs (see <paramref name="Jobs"/>), session (the jobs of its session before it), resume (the queue is paused), silo (no silo serves
/// the queue), or slot (its turn); and where the queue needs a device: model_loading, memory (others' models hold it), device_put_aside, or no_device (none is large enough).
/// </param>
/// <param name="Until">With time: when it will be ready.</param>
/// <param name="Jobs">With jobs: those that it depends on.</param>
public sealed record JobWait(
    string For,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? Until = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? Jobs = null);

/// <summary>A page of jobs.</summary>
/// <param name="Jobs">The jobs, newest first.</param>
/// <param name="Cursor">Where the next page begins; null when there is none.</param>
public sealed record JobList(IReadOnlyList<Job> Jobs, string? Cursor);

/// <summary>States by their names: queued, running, ….</summary>
internal sealed class JobStateConverter : JsonConverter<JobState>
{
    public override JobState Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var name = reader.GetString();
        return JobStates.TryParse(name, out var state) ? state : throw new JsonException($"There is no state '{name}'.");
    }

    public override void Write(Utf8JsonWriter writer, JobState value, JsonSerializerOptions options) => writer.WriteStringValue(JobStates.Name(value));
}
