using System.Text.Json;
using System.Text.Json.Serialization;
using Gristmill.Store.Payloads;

namespace Gristmill.Store;

/// <summary>
/// What a client must know of a queue to enqueue as its silos expect it. Silos write it into the queue's meta, where clients in any
/// language read it, so that it is configured in one place.
/// </summary>
public sealed record QueueRules
{
    /// <summary>The largest payload in bytes.</summary>
    public required int MaxPayloadBytes { get; init; }

    /// <summary>Whether a payload may be anything but a JSON object.</summary>
    public bool AllowOpaque { get; init; }

    /// <summary>The library whose messages are payloads too; null for none.</summary>
    public Dialect? Dialect { get; init; }

    /// <summary>How long an explicit id is remembered, ms.</summary>
    public required long IdWindowMs { get; init; }

    /// <summary>Jobs that may wait for their time, for other jobs or for another attempt.</summary>
    public required int MaxWaiting { get; init; }

    /// <summary>The names of the payload's members; those of sessions only where the queue has any.</summary>
    public required PayloadFields Fields { get; init; }

    /// <summary>What a job's reply list must begin with; empty where there are no replies, null where that was not said.</summary>
    public IReadOnlyList<string>? ReplyToPrefixes { get; init; }

    /// <summary>The rules as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, QueueRulesJson.Default.QueueRules);

    /// <summary>Reads rules; null where there are none, or none that this version can keep to.</summary>
    public static QueueRules? Parse(string? json)
    {
        if (json is null) return null;
        try
        {
            return JsonSerializer.Deserialize(json, QueueRulesJson.Default.QueueRules) is { MaxPayloadBytes: > 0, IdWindowMs: > 0, MaxWaiting: >= 0, Fields: not null } rules && rules.Fields.AreNamed
                ? rules
                : null;
        }
        catch (JsonException)
        {
            // Somebody else wrote it: a silo puts it right within half a minute.
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(QueueRules))]
internal sealed partial class QueueRulesJson : JsonSerializerContext;
