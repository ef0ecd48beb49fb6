using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gristmill.Silo.Tests.Http;

/// <summary>The part of JSON Schema that the document uses: says what of a value contradicts a schema. References lead into the document.</summary>
internal sealed class JsonSchema(JsonElement document)
{
    private static readonly string[] Known =
    [
        "type", "description", "format", "title", "default", "properties", "required", "additionalProperties", "items", "enum", "oneOf", "anyOf", "$ref", "pattern",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "maxItems",
    ];

    /// <summary>The first contradiction; null for none.</summary>
    public string? Fault(JsonElement schema, JsonElement value, string at = "$")
    {
        if (schema.ValueKind == JsonValueKind.True) return null;
        if (schema.EnumerateObject().Select(m => m.Name).FirstOrDefault(n => !Known.Contains(n)) is { } unknown) return $"{at}: this check does not know the keyword {unknown}";
        if (schema.TryGetProperty("$ref", out var reference)) return Fault(Resolve(reference.GetString()!), value, at);
        foreach (var any in new[] { "oneOf", "anyOf" })
        {
            if (!schema.TryGetProperty(any, out var choices)) continue;
            var faults = choices.EnumerateArray().Select(c => Fault(c, value, at)).ToList();
            if (!faults.Contains(null)) return $"{at}: none of {any}: {string.Join("; ", faults)}";
        }

        if (schema.TryGetProperty("type", out var type) && !IsOf(type, value)) return $"{at} is {Short(value)}, not of type {type}";
        if (schema.TryGetProperty("enum", out var words) && !words.EnumerateArray().Any(w => w.ToString() == value.ToString())) return $"{at} is {Short(value)}, none of {words}";
        return value.ValueKind switch
        {
            JsonValueKind.Object => OfObject(schema, value, at),
            JsonValueKind.Array => OfArray(schema, value, at),
            JsonValueKind.String => OfText(schema, value.GetString()!, at),
            JsonValueKind.Number => OfNumber(schema, value.GetDouble(), at),
            _ => null,
        };
    }

    public JsonElement Resolve(string reference)
    {
        var place = document;
        foreach (var part in reference[2..].Split('/')) place = place.GetProperty(part);
        return place;
    }

    private string? OfObject(JsonElement schema, JsonElement value, string at)
    {
        var has = schema.TryGetProperty("properties", out var properties);
        if (schema.TryGetProperty("required", out var required) && required.EnumerateArray().Select(r => r.GetString()!).FirstOrDefault(r => !value.TryGetProperty(r, out _)) is { } missing)
        {
            return $"{at} lacks {missing}";
        }

        foreach (var member in value.EnumerateObject())
        {
            var below = $"{at}.{member.Name}";
            if (has && properties.TryGetProperty(member.Name, out var known))
            {
                if (Fault(known, member.Value, below) is { } fault) return fault;
            }
            else if (schema.TryGetProperty("additionalProperties", out var others))
            {
                if (others.ValueKind == JsonValueKind.False) return $"{below} is not in the document";
                if (Fault(others, member.Value, below) is { } fault) return fault;
            }
            else if (has && !IsProblem(schema))
            {
                // Nothing of ours has members that nobody told of.
                return $"{below} is not in the document";
            }
        }

        return null;
    }

    private string? OfArray(JsonElement schema, JsonElement value, string at)
    {
        if (schema.TryGetProperty("maxItems", out var most) && value.GetArrayLength() > most.GetInt32()) return $"{at} has more than {most} items";
        return schema.TryGetProperty("items", out var items) ? value.EnumerateArray().Select((v, i) => Fault(items, v, $"{at}[{i}]")).FirstOrDefault(f => f is not null) : null;
    }

    private static string? OfText(JsonElement schema, string value, string at)
    {
        if (schema.TryGetProperty("pattern", out var pattern) && !Regex.IsMatch(value, pattern.GetString()!)) return $"{at} is '{value}', not {pattern}";
        if (schema.TryGetProperty("format", out var format) && format.GetString() == "date-time" && !DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, out _)) return $"{at} is '{value}', no time";
        return null;
    }

    private static string? OfNumber(JsonElement schema, double value, string at)
    {
        if (schema.TryGetProperty("minimum", out var least) && value < least.GetDouble()) return $"{at} is {value}, below {least}";
        return schema.TryGetProperty("maximum", out var most) && value > most.GetDouble() ? $"{at} is {value}, above {most}" : null;
    }

    private static bool IsProblem(JsonElement schema) => schema.GetProperty("properties").TryGetProperty("detail", out _);

    private static bool IsOf(JsonElement type, JsonElement value) => type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Any(t => IsOf(t, value)) : type.GetString() switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "number" => value.ValueKind == JsonValueKind.Number,
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => false,
    };

    private static string Short(JsonElement value) => value.GetRawText() is var text && text.Length > 80 ? text[..80] + "…" : text;
}
