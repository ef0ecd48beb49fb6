using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Gristmill.Client;

namespace Gristmill.Silo.Commands.Api;

/// <summary>The bodies of calls. A payload stands in them byte by byte, since its fingerprint tells jobs apart.</summary>
internal static class ApiBodies
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Refuses a payload that cannot stand in a body of JSON, as the store does where a queue takes nothing else.</summary>
    /// <exception cref="InvalidJobException">It is no JSON.</exception>
    public static void CheckJson(ReadOnlyMemory<byte> payload)
    {
        try
        {
            using var json = JsonDocument.Parse(payload);
        }
        catch (JsonException e)
        {
            JobComposer.CheckPayload(payload, new ClientQueueOptions { MaxPayloadBytes = int.MaxValue });
            throw new InvalidJobException("payload", "malformed", $"The payload is not JSON: {e.Message}");
        }
    }

    /// <summary>{payload, id?, …}</summary>
    public static ReadOnlyMemory<byte> Enqueue(ReadOnlyMemory<byte> payload, EnqueueOptions? options) => Write(json =>
    {
        WritePayload(json, payload);
        if (options is null) return;
        if (options.Id is { } id) json.WriteString("id", id);
        if (options.SessionId is { } session) json.WriteString("sessionId", session);
        if (options.Sequence is { } place) json.WriteNumber("sequence", place);
        if (options.SessionTotal is { } total) json.WriteNumber("sessionTotal", total);
        if (options.SessionEnd is { } end) json.WriteBoolean("sessionEnd", end);
        if (options.Priority is { } priority) json.WriteNumber("priority", priority);
        if (options.MaxAttempts is { } attempts) json.WriteNumber("maxAttempts", attempts);
        if (options.Timeout is { } timeout) json.WriteNumber("timeoutSeconds", timeout.TotalSeconds);
        if (options.RunAt is { } at) json.WriteString("runAt", at);
        if (options.ReplyTo is { } list) json.WriteString("replyTo", list);
        if (options.DependsOn is not { Count: > 0 } parents) return;
        json.WriteStartArray("dependsOn");
        foreach (var parent in parents) json.WriteStringValue(parent);
        json.WriteEndArray();
    });

    /// <summary>{payload}, or nothing.</summary>
    public static ReadOnlyMemory<byte> Payload(ReadOnlyMemory<byte>? payload) => payload is { } bytes ? Write(json => WritePayload(json, bytes)) : default;

    /// <summary>{reason}, or nothing.</summary>
    public static ReadOnlyMemory<byte> Reason(string? reason) => reason is null ? default : Write(json => json.WriteString("reason", reason));

    /// <summary>{reason?, sessionId?, …}</summary>
    public static ReadOnlyMemory<byte> Filter(IEnumerable<(string Name, string? Value)> members) => Write(json =>
    {
        foreach (var (name, value) in members)
        {
            if (value is not null) json.WriteString(name, value);
        }
    });

    // It was parsed already.
    private static void WritePayload(Utf8JsonWriter json, ReadOnlyMemory<byte> payload)
    {
        json.WritePropertyName("payload");
        json.WriteRawValue(payload.Span, skipInputValidation: true);
    }

    private static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> members)
    {
        var body = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(body, Options);
        json.WriteStartObject();
        members(json);
        json.WriteEndObject();
        json.Flush();
        return body.WrittenMemory;
    }
}
