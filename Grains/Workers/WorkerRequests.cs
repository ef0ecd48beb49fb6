using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;

namespace Gristmill.Grains.Workers;

/// <summary>Writes what the silo says to a worker, one line each, into a buffer of the worker's own.</summary>
internal static class WorkerRequests
{
    public static void WriteHello(ArrayBufferWriter<byte> output, string worker, WorkerOptions options, int maxResultBytes)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteString("type"u8, "hello"u8);
        json.WriteNumber("protocol"u8, WorkerProtocol.Version);
        json.WriteString("worker"u8, worker);
        json.WriteNumber("heartbeat_seconds"u8, options.HeartbeatInterval.TotalSeconds);
        json.WriteNumber("silo_timeout_seconds"u8, options.HeartbeatTimeout.TotalSeconds);
        json.WriteNumber("max_line_bytes"u8, options.MaxLineBytes);
        json.WriteNumber("max_result_bytes"u8, maxResultBytes);
        EndLine(json, output);
    }

    /// <summary>One job as a <c>job</c>, several as <c>jobs</c>.</summary>
    public static void WriteJobs(ArrayBufferWriter<byte> output, Utf8JsonWriter json, IReadOnlyList<WorkerJob> jobs)
    {
        json.Reset(output);
        json.WriteStartObject();
        if (jobs is [var only])
        {
            json.WriteString("type"u8, "job"u8);
            WriteJob(json, only);
        }
        else
        {
            json.WriteString("type"u8, "jobs"u8);
            json.WriteStartArray("jobs"u8);
            foreach (var job in jobs)
            {
                json.WriteStartObject();
                WriteJob(json, job);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        EndLine(json, output);
    }

    private static void WriteJob(Utf8JsonWriter json, WorkerJob job)
    {
        var attempt = job.Attempt;
        json.WriteNumber("id"u8, job.Id);
        json.WriteString("queue"u8, attempt.Queue);
        json.WriteString("job_id"u8, attempt.JobId);
        if (attempt.SessionId is { } session)
        {
            json.WriteString("session_id"u8, session);
        }

        json.WriteNumber("attempt"u8, attempt.Attempt);
        json.WriteNumber("max_attempts"u8, attempt.MaxAttempts);
        json.WriteString("enqueued_at"u8, attempt.EnqueuedAt.UtcDateTime);
        json.WriteString("fencing_token"u8, attempt.FencingToken);
        json.WriteString("idempotency_key"u8, attempt.IdempotencyKey);
        if (attempt.TraceParent is { } trace)
        {
            json.WriteString("traceparent"u8, trace);
        }

        WritePayload(json, attempt.Payload.Span);
    }

    public static void WriteCancel(ArrayBufferWriter<byte> output, long id)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteString("type"u8, "cancel"u8);
        json.WriteNumber("id"u8, id);
        EndLine(json, output);
    }

    public static void WriteHeartbeat(ArrayBufferWriter<byte> output) => output.Write("{\"type\":\"heartbeat\"}\n"u8);

    public static void WriteStop(ArrayBufferWriter<byte> output) => output.Write("{\"type\":\"stop\"}\n"u8);

    /// <summary>
    /// JSON goes as it is: only line breaks between its tokens become spaces (inside its strings there can be none).
    /// Anything else goes as base64.
    /// </summary>
    private static void WritePayload(Utf8JsonWriter json, ReadOnlySpan<byte> payload)
    {
        if (!IsJson(payload))
        {
            json.WriteBase64String("payload_base64"u8, payload);
            return;
        }

        json.WritePropertyName("payload"u8);
        if (payload.IndexOfAny((byte)'\n', (byte)'\r') < 0)
        {
            json.WriteRawValue(payload, skipInputValidation: true);
            return;
        }

        var oneLine = ArrayPool<byte>.Shared.Rent(payload.Length);
        payload.CopyTo(oneLine);
        var copy = oneLine.AsSpan(0, payload.Length);
        copy.Replace((byte)'\n', (byte)' ');
        copy.Replace((byte)'\r', (byte)' ');
        json.WriteRawValue(copy, skipInputValidation: true);
        ArrayPool<byte>.Shared.Return(oneLine);
    }

    private static bool IsJson(ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty || !Utf8.IsValid(payload))
        {
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = WorkerProtocol.MaxPayloadDepth });
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void EndLine(Utf8JsonWriter json, ArrayBufferWriter<byte> output)
    {
        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
    }
}
