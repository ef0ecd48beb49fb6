using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Gristmill.Client;
using Gristmill.Store.Payloads;

namespace Gristmill.Silo.Http;

/// <summary>
/// Reads {payload, id?, sessionId?, sequence?, sessionTotal?, sessionEnd?, priority?, maxAttempts?, timeoutSeconds?, runAt?, dependsOn?, replyTo?}.
/// </summary>
internal static class EnqueueBody
{
    /// <summary>The job that a body asks for.</summary>
    /// <param name="body">The body, or one element of a batch.</param>
    /// <param name="place">Stands in front of the field in problems: "[3]." in a batch.</param>
    public static EnqueueRequest Read(JsonElement body, string place = "")
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            throw ApiProblemException.InvalidField(place.TrimEnd('.'), $"{Where(place)} is a JSON {Kind(body)}; expected is an object with 'payload'.");
        }

        ReadOnlyMemory<byte>? payload = null;
        var options = new EnqueueOptions();
        foreach (var member in body.EnumerateObject())
        {
            if (member.NameEquals("payload")) payload = Raw(member.Value);
            else if (member.Value.ValueKind != JsonValueKind.Null) options = Take(options, member, place + member.Name);
        }

        return payload is { } bytes
            ? new EnqueueRequest(bytes, options)
            : throw ApiProblemException.InvalidField(place + "payload", $"The field '{place}payload' is missing; expected is the job's payload.");
    }

    /// <summary>The bytes of a value as they stand in the body.</summary>
    public static ReadOnlyMemory<byte> Raw(JsonElement value) => JsonMarshal.GetRawUtf8Value(value).ToArray();

    private static EnqueueOptions Take(EnqueueOptions options, JsonProperty member, string field) => member.Name switch
    {
        "id" => options with { Id = Text(member.Value, field) },
        "sessionId" => options with { SessionId = Text(member.Value, field) },
        "priority" => options with { Priority = Priority(member.Value, field) },
        "sequence" => options with { Sequence = Whole(member.Value, field, "0 to 536870911") },
        "sessionTotal" => options with { SessionTotal = Whole(member.Value, field, "1 to 536870911") },
        "sessionEnd" => options with { SessionEnd = Flag(member.Value, field) },
        "maxAttempts" => options with { MaxAttempts = Whole(member.Value, field, "1 to 1001") },
        "timeoutSeconds" => options with { Timeout = Seconds(member.Value, field) },
        "runAt" => options with { RunAt = Time(member.Value, field) },
        "dependsOn" => options with { DependsOn = Texts(member.Value, field) },
        "replyTo" => options with { ReplyTo = Text(member.Value, field) },
        _ => throw ApiProblemException.InvalidField(field, $"The field '{field}' is not known; known are payload, id, sessionId, sequence, sessionTotal, sessionEnd, priority, maxAttempts, timeoutSeconds, runAt, dependsOn and replyTo."),
    };

    private static string Text(JsonElement value, string field) => value.ValueKind switch
    {
        JsonValueKind.String => GetString(value, field),
        JsonValueKind.Number => value.GetRawText(),
        _ => throw Wrong(value, field, "a string or a number"),
    };

    private static string GetString(JsonElement value, string field)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair, which no string can hold.
            throw ApiProblemException.InvalidField(field, $"The field '{field}' is no valid Unicode text.");
        }
    }

    private static int Priority(JsonElement value, string field)
    {
        const string expected = "\"high\", \"normal\", \"low\" or a whole number from 0 (first) to 9";
        if (value.ValueKind == JsonValueKind.Number) return value.TryGetInt32(out var number) ? number : throw Wrong(value, field, expected);
        return value.ValueKind == JsonValueKind.String && PriorityNames.Parse(GetString(value, field)) is { } named ? named : throw Wrong(value, field, expected);
    }

    private static int Whole(JsonElement value, string field, string range) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : throw Wrong(value, field, $"a whole number from {range}");

    private static bool Flag(JsonElement value, string field) =>
        value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(value, field, "true or false");

    private static TimeSpan Seconds(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds) && seconds is >= PayloadReader.MinTimeoutSeconds and <= PayloadReader.MaxTimeoutSeconds
            ? TimeSpan.FromSeconds(seconds)
            : throw Wrong(value, field, string.Create(CultureInfo.InvariantCulture, $"seconds, a number from {PayloadReader.MinTimeoutSeconds} to {PayloadReader.MaxTimeoutSeconds}"));

    private static DateTimeOffset Time(JsonElement value, string field)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds) && seconds is > 0 and < 253402300800)
        {
            return DateTimeOffset.FromUnixTimeMilliseconds((long)(seconds * 1000));
        }

        return value.ValueKind == JsonValueKind.String ? QueryValues.Time(field, GetString(value, field))!.Value : throw Wrong(value, field, "a time (ISO 8601 or Unix seconds)");
    }

    private static IReadOnlyList<string> Texts(JsonElement value, string field) => value.ValueKind switch
    {
        JsonValueKind.String => [GetString(value, field)],
        JsonValueKind.Array => [.. value.EnumerateArray().Select((e, i) => Text(e, $"{field}[{i}]"))],
        _ => throw Wrong(value, field, "an id or an array of ids"),
    };

    private static ApiProblemException Wrong(JsonElement value, string field, string expected)
    {
        var raw = value.GetRawText();
        return ApiProblemException.InvalidField(field, $"The field '{field}' is {(raw.Length <= 64 ? raw : $"a JSON {Kind(value)}")}; expected is {expected}.");
    }

    private static string Where(string place) => place.Length == 0 ? "The body" : $"The element {place.TrimEnd('.')}";

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        var kind => kind.ToString().ToLowerInvariant(),
    };
}

/// <summary>Priorities by name or digit, as payloads say them.</summary>
internal static class PriorityNames
{
    /// <summary>The number of "high", "normal", "low" or a digit; null for anything else.</summary>
    public static int? Parse(string text)
    {
        var header = new Store.JobHeader();
        var payload = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object> { ["priority"] = text });
        return PayloadReader.Read(payload, PayloadFields.Default, false, header) is null ? header.Priority : null;
    }
}
