using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Gristmill.Grains.Handlers;

/// <summary>Reads a payload as what the handler asks for; throws what does not fit.</summary>
internal sealed class PayloadReader<TPayload>(JsonSerializerOptions json)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // Raw payloads need no JSON contract, and ReadOnlyMemory<byte> would get one that means base64.
    private readonly JsonTypeInfo<TPayload>? _typeInfo =
        IsRaw ? null : (JsonTypeInfo<TPayload>)json.GetTypeInfo(typeof(TPayload));

    private readonly PayloadNames _names = new(json);

    private static bool IsRaw =>
        typeof(TPayload) == typeof(string) || typeof(TPayload) == typeof(byte[]) ||
        typeof(TPayload) == typeof(ReadOnlyMemory<byte>);

    public TPayload Read(ReadOnlyMemory<byte> payload)
    {
        if (_typeInfo is not null)
        {
            var value = JsonSerializer.Deserialize(_names.Fit(payload, _typeInfo).Span, _typeInfo);
            return value is not null || typeof(TPayload).IsAssignableTo(typeof(JsonNode))
                ? value!
                : throw new JsonException("The JSON value is null.", "$", 0, 0);
        }

        if (typeof(TPayload) == typeof(string))
        {
            return (TPayload)(object)StrictUtf8.GetString(payload.Span);
        }

        return typeof(TPayload) == typeof(byte[]) ? (TPayload)(object)payload.ToArray() : (TPayload)(object)payload;
    }
}
