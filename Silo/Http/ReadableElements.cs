using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;
using Gristmill.Store;
using Gristmill.Store.Payloads;

namespace Gristmill.Silo.Http;

/// <summary>
/// Writes results and payloads as they are, but with U+FFFD for what is no Unicode: an escaped half of a surrogate pair is
/// valid JSON, and the writer throws at it in the middle of an answer.
/// </summary>
internal sealed class ReadableElements : JsonConverter<JsonElement>
{
    /// <summary>The levels of an answer: those of a result, and those around it.</summary>
    public const int MaxDepth = JobRecord.MaxResultDepth + 16;

    public override JsonElement Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => JsonElement.ParseValue(ref reader);

    public override void Write(Utf8JsonWriter writer, JsonElement value, JsonSerializerOptions options)
    {
        if (value.ValueKind == JsonValueKind.Undefined) writer.WriteNullValue();
        else if (JsonMarshal.GetRawUtf8Value(value) is var raw && MayBeNoUnicode(raw)) WriteReadable(writer, raw);
        else value.WriteTo(writer);
    }

    private static bool MayBeNoUnicode(ReadOnlySpan<byte> raw) => raw.IndexOf("\\ud"u8) >= 0 || raw.IndexOf("\\uD"u8) >= 0 || !Utf8.IsValid(raw);

    private static void WriteReadable(Utf8JsonWriter writer, ReadOnlySpan<byte> raw)
    {
        var json = new Utf8JsonReader(raw, new JsonReaderOptions { MaxDepth = MaxDepth });
        while (json.Read())
        {
            switch (json.TokenType)
            {
                case JsonTokenType.StartObject: writer.WriteStartObject(); break;
                case JsonTokenType.EndObject: writer.WriteEndObject(); break;
                case JsonTokenType.StartArray: writer.WriteStartArray(); break;
                case JsonTokenType.EndArray: writer.WriteEndArray(); break;
                case JsonTokenType.PropertyName: writer.WritePropertyName(json.ReadableText()); break;
                case JsonTokenType.String: writer.WriteStringValue(json.ReadableText()); break;
                default: writer.WriteRawValue(json.ValueSpan, skipInputValidation: true); break;
            }
        }
    }
}
