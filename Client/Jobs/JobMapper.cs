using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;
using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>What of a queue says why its ready jobs do not start.</summary>
/// <param name="Mode">Whether it starts jobs.</param>
/// <param name="HasSilo">Whether a silo serves it.</param>
/// <param name="Device">What keeps every silo that serves it from starting a job for want of a device: a word of <see cref="JobWait.For"/>; null when nothing does.</param>
internal readonly record struct QueueCondition(QueueMode Mode, bool HasSilo, string? Device = null)
{
    // The mildest first: where one silo has only its slots taken, the job will start there.
    private static readonly (string OfSilo, string OfJob)[] Words =
        [("no_slot", "slot"), ("model_loading", "model_loading"), ("memory", "memory"), ("device_put_aside", "device_put_aside"), ("no_device", "no_device")];

    /// <summary>The word for a job, of what the silos say that serve its queue.</summary>
    public static string? DeviceOf(IReadOnlyCollection<string?> silos) => silos.Count == 0 || silos.Contains(null) ? null : Words.FirstOrDefault(w => silos.Contains(w.OfSilo)).OfJob;
}

/// <summary>Makes the client's view of a job from the store's.</summary>
internal static class JobMapper
{
    public static Job Map(JobView view, QueueCondition condition)
    {
        var header = view.Header;
        return new Job
        {
            Id = view.Id,
            Queue = view.Queue,
            Seq = view.Seq,
            State = view.State,
            Attempt = view.Attempt,
            MaxAttempts = header.MaxRetries + 1,
            Progress = view.Progress,
            Result = Json(view.Result),
            Errors = [.. header.Errors.Select(e => new JobFailure(Time(e.At)!.Value, e.Attempt, e.Kind, e.Message))],
            Reason = header.Reason,
            SessionId = header.SessionId,
            Priority = header.Priority,
            EnqueuedAt = DateTimeOffset.FromUnixTimeMilliseconds(header.EnqueuedAt),
            StartedAt = view.StartedAt,
            FinishedAt = header.FinishedAt > 0 ? Time(header.FinishedAt) : null,
            Silo = view.Silo,
            WaitingFor = Wait(view, condition),
            CancelRequested = view.CancelRequested,
            Payload = view.Payload,
        };
    }

    /// <summary>JSON as it stands; anything else as a string; null for nothing.</summary>
    public static JsonElement? Json(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty) return null;
        if (!Utf8.IsValid(bytes.Span)) return Text(bytes);
        try
        {
            var reader = new Utf8JsonReader(bytes.Span, new JsonReaderOptions { MaxDepth = JobRecord.MaxResultDepth });
            var element = JsonElement.ParseValue(ref reader);
            return reader.Read() ? Text(bytes) : element;
        }
        catch (JsonException)
        {
            return Text(bytes);
        }
    }

    private static JsonElement Text(ReadOnlyMemory<byte> bytes) => JsonSerializer.SerializeToElement(Encoding.UTF8.GetString(bytes.Span), JobTextJson.Default.String);

    private static JobWait? Wait(JobView view, QueueCondition condition) => view.State switch
    {
        JobState.Scheduled or JobState.Retrying => new JobWait("time", Until: view.Due),
        JobState.Deferred => new JobWait("jobs", Jobs: view.Header.DependsOn),
        JobState.Queued when view.InLine => new JobWait("session"),
        JobState.Queued when condition.Mode == QueueMode.Paused => new JobWait("resume"),
        JobState.Queued => new JobWait(condition.HasSilo ? condition.Device ?? "slot" : "silo"),
        _ => null,
    };

    private static DateTimeOffset? Time(long unixMilliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(unixMilliseconds);
}

[JsonSerializable(typeof(string))]
internal sealed partial class JobTextJson : JsonSerializerContext;
