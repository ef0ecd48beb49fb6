using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gristmill.Grains.Handlers;

/// <summary>
/// Lets producers write the names of members in snake_case, as most of them do: "session_id" is SessionId. A name that the type
/// itself has is left as it is, and so are the keys of dictionaries and whatever no type describes.
/// </summary>
internal sealed class PayloadNames(JsonSerializerOptions json)
{
    private readonly ConcurrentDictionary<Type, Dictionary<string, JsonPropertyInfo>> _members = new();

    /// <summary>The payload with the names that the type's contract has; the same memory where nothing is to be changed.</summary>
    public ReadOnlyMemory<byte> Fit(ReadOnlyMemory<byte> payload, JsonTypeInfo type)
    {
        if (type.Kind == JsonTypeInfoKind.None || !payload.Span.Contains((byte)'_')) return payload;
        var found = new List<(Range At, string Name)>();
        try
        {
            var reader = new Utf8JsonReader(payload.Span, new JsonReaderOptions { MaxDepth = json.MaxDepth });
            reader.Read();
            Walk(ref reader, type, found);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // No JSON, or a name that is no Unicode: whoever reads it next says where it is wrong.
            return payload;
        }

        return found.Count == 0 ? payload : Replace(payload, found);
    }

    private void Walk(ref Utf8JsonReader reader, JsonTypeInfo? type, List<(Range At, string Name)> found)
    {
        if (type is null || type.Kind == JsonTypeInfoKind.None)
        {
            reader.Skip();
        }
        else if (reader.TokenType == JsonTokenType.StartArray)
        {
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) Walk(ref reader, Element(type), found);
        }
        else if (reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var below = type.Kind == JsonTypeInfoKind.Object ? Member(ref reader, type, found) : Element(type);
                reader.Read();
                Walk(ref reader, below, found);
            }
        }
    }

    private JsonTypeInfo? Element(JsonTypeInfo type) => type.ElementType is { } element ? json.GetTypeInfo(element) : null;

    private JsonTypeInfo? Member(ref Utf8JsonReader reader, JsonTypeInfo type, List<(Range At, string Name)> found)
    {
        var members = _members.GetOrAdd(type.Type, static (_, of) => ByName(of), type);
        var name = reader.GetString()!;
        if (!members.TryGetValue(name, out var member))
        {
            if (!name.Contains('_') || !members.TryGetValue(name.Replace("_", "", StringComparison.Ordinal), out member)) return null;

            // Behind the opening quote.
            var start = (int)reader.TokenStartIndex + 1;
            found.Add((start..(start + reader.ValueSpan.Length), member.Name));
        }

        return member.CustomConverter is null ? json.GetTypeInfo(member.PropertyType) : null;
    }

    private static Dictionary<string, JsonPropertyInfo> ByName(JsonTypeInfo type)
    {
        var members = new Dictionary<string, JsonPropertyInfo>(
            type.Options.PropertyNameCaseInsensitive ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        foreach (var member in type.Properties.Where(m => !m.IsExtensionData)) members.TryAdd(member.Name, member);
        return members;
    }

    private static ReadOnlyMemory<byte> Replace(ReadOnlyMemory<byte> payload, List<(Range At, string Name)> found)
    {
        var fitted = new MemoryStream(payload.Length);
        var copied = 0;
        foreach (var (at, name) in found)
        {
            fitted.Write(payload.Span[copied..at.Start.Value]);
            fitted.Write(JsonEncodedText.Encode(name).EncodedUtf8Bytes);
            copied = at.End.Value;
        }

        fitted.Write(payload.Span[copied..]);
        return fitted.GetBuffer().AsMemory(0, (int)fitted.Length);
    }
}
