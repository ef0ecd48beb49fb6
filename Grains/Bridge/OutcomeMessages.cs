using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Gristmill.Store;

namespace Gristmill.Grains.Bridge;

/// <summary>What is pushed to foreign lists: results for reply_to, and dead letters for a queue's DeadLetterList.</summary>
internal sealed class OutcomeMessages : IOutcomeMessages
{
    public static readonly OutcomeMessages Instance = new();

    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // A mirrored dead letter shows a larger payload by its beginning only.
    private const int MaxMirroredPayload = 64 * 1024;

    /// <summary>{"id","queue","state","reason" and "payloadId" where there is one,"attempt","result","errors"}.</summary>
    public static byte[] Reply(string id, string queue, JobState state, int attempt, JobHeader header, ReadOnlyMemory<byte> result) => Write(json =>
    {
        json.WriteString("id", id);
        json.WriteString("queue", queue);
        json.WriteString("state", JobStates.Name(state));
        if (header.Reason is { Length: > 0 } reason) json.WriteString("reason", reason);
        if (header.GivenId is { } given) json.WriteString("payloadId", given);
        json.WriteNumber("attempt", attempt);
        json.WritePropertyName("result");
        if (result.IsEmpty) json.WriteNullValue();
        else json.WriteRawValue(result.Span, skipInputValidation: true);
        WriteErrors(json, header);
    });

    byte[] IOutcomeMessages.Reply(JobView job) => Reply(job.Id, job.Queue, job.State, job.Attempt, job.Header, job.Result);

    byte[] IOutcomeMessages.DeadLetter(JobView job) => DeadLetter(job.Queue, job.Id, job.Header, job.Payload);

    /// <summary>{"id","queue","reason","failedAt","attempts","payloadId" where it goes by another id,"errors","payload" or "payloadBase64"}.</summary>
    public static byte[] DeadLetter(string queue, string id, JobHeader header, ReadOnlyMemory<byte> payload) => Write(json =>
    {
        json.WriteString("id", id);
        json.WriteString("queue", queue);
        json.WriteString("reason", header.Reason);
        json.WriteString("failedAt", DateTimeOffset.FromUnixTimeMilliseconds(header.FinishedAt));
        json.WriteNumber("attempts", header.LastAttempt);
        if (header.GivenId is { } given) json.WriteString("payloadId", given);
        WriteErrors(json, header);
        var shown = payload.Length > MaxMirroredPayload ? payload[..MaxMirroredPayload] : payload;
        if (shown.Length < payload.Length) json.WriteNumber("payloadBytes", payload.Length);
        if (System.Text.Unicode.Utf8.IsValid(shown.Span)) json.WriteString("payload", shown.Span);
        else json.WriteBase64String("payloadBase64", shown.Span);
    });

    private static void WriteErrors(Utf8JsonWriter json, JobHeader header)
    {
        json.WriteStartArray("errors");
        foreach (var error in header.Errors)
        {
            json.WriteStartObject();
            json.WriteString("at", DateTimeOffset.FromUnixTimeMilliseconds(error.At));
            json.WriteNumber("attempt", error.Attempt);
            json.WriteString("kind", error.Kind);
            json.WriteString("message", error.Message);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Writing))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
