using System.Globalization;
using System.Text;
using System.Text.Json;
using Gristmill.Store.Sessions;

namespace Gristmill.Store.Payloads;

/// <summary>The rules of the single fields: their types, their bounds, and what a message says when they are broken.</summary>
internal static class PayloadValues
{
    public const int MaxIdBytes = 256;
    public const int MaxListNameBytes = 1024;
    public const int MaxDependencies = 100;
    public const double MaxRetryDelaySeconds = 24 * 3600;
    public const int MaxRetryCount = 1000;

    /// <summary>Reads one member's value into the header; the reader stands on the value and is left there.</summary>
    public static PayloadFault? Take(PayloadField field, ref Utf8JsonReader json, string name, JobHeader header)
    {
        switch (field)
        {
            case PayloadField.JobId:
                return Id(ref json, name, id => header.Id = id);
            case PayloadField.SessionId:
                return Id(ref json, name, id => header.SessionId = id);
            case PayloadField.QueuedAt:
                if (json.TokenType is not (JsonTokenType.String or JsonTokenType.Number)) return Wrong(name, "a time (ISO 8601 or Unix seconds)", json);
                if (Time(ref json) is { } queued) header.QueuedAt = queued;
                return null;
            case PayloadField.Priority:
                return Priority(ref json, name, header);
            case PayloadField.Timeout:
                return Seconds(ref json, name, PayloadReader.MinTimeoutSeconds, PayloadReader.MaxTimeoutSeconds, ms => header.Timeout = ms);
            case PayloadField.RetryCount:
                return Whole(ref json, name, 0, MaxRetryCount, retries => header.MaxRetries = retries);
            case PayloadField.RetryDelay:
                return Seconds(ref json, name, 0, MaxRetryDelaySeconds, ms => header.RetryDelay = ms);
            case PayloadField.RunAt:
                return Moment(ref json, name, due => header.Due = due);
            case PayloadField.DependsOn:
                return DependsOn(ref json, name, header);
            case PayloadField.ReplyTo:
                if (json.TokenType != JsonTokenType.String || json.GetString() is not { Length: > 0 } list || Encoding.UTF8.GetByteCount(list) > MaxListNameBytes)
                {
                    return Wrong(name, $"the name of a list, 1 to {MaxListNameBytes} bytes", json);
                }

                header.ReplyTo = list;
                return null;
            case PayloadField.TraceParent:
                return Text(ref json, name, text => header.TraceParent = text);
            case PayloadField.TraceState:
                return Text(ref json, name, text => header.TraceState = text);
            case PayloadField.Sequence:
                return Whole(ref json, name, 0, SessionPolicy.MaxSequence, n => header.Sequence = n);
            case PayloadField.SessionTotal:
                return Whole(ref json, name, 1, SessionPolicy.MaxSequence, n => header.SessionTotal = n);
            default:
                if (json.TokenType is not (JsonTokenType.True or JsonTokenType.False)) return Wrong(name, "true or false", json);
                header.SessionEnd = json.TokenType == JsonTokenType.True;
                return null;
        }
    }

    /// <summary>Why this cannot be an id; null when it can.</summary>
    public static string? WhyNoId(string id)
    {
        if (id.Length == 0) return "is empty";
        if (Encoding.UTF8.GetByteCount(id) > MaxIdBytes) return $"has more than {MaxIdBytes} bytes";
        if (id is "." or "..") return "is a dot segment, which no path of the API can carry";
        return id.Any(char.IsControl) ? "has control characters" : null;
    }

    /// <summary>Reads an id: a string or a number.</summary>
    public static PayloadFault? Id(ref Utf8JsonReader json, string name, Action<string> take)
    {
        if (json.TokenType == JsonTokenType.Number)
        {
            // The digits as they stand: a double would lose some.
            return Bounded(Encoding.ASCII.GetString(json.ValueSpan), name, take);
        }

        return json.TokenType == JsonTokenType.String ? Bounded(json.GetString()!, name, take) : Wrong(name, "a string or a number", json);
    }

    /// <summary>Reads a time that must be one: Unix ms.</summary>
    public static PayloadFault? Moment(ref Utf8JsonReader json, string name, Action<long> take)
    {
        if (Time(ref json) is not { } time) return Wrong(name, "a time (ISO 8601 or Unix seconds)", json);
        take(time);
        return null;
    }

    /// <summary>An escaped half of a surrogate pair, which no string can hold.</summary>
    public static PayloadFault NoUnicode(string name) => new("invalid_field", $"The field '{name}' is no valid Unicode text.");

    private static PayloadFault? Bounded(string id, string name, Action<string> take)
    {
        if (WhyNoId(id) is { } why) return new PayloadFault("invalid_field", $"The field '{name}' {why}; 1 to {MaxIdBytes} bytes of text are expected.");
        take(id);
        return null;
    }

    private static PayloadFault? Priority(ref Utf8JsonReader json, string name, JobHeader header)
    {
        if (json.TokenType == JsonTokenType.Number && json.TryGetInt32(out var number) && number is >= 0 and <= 9)
        {
            header.Priority = number;
            return null;
        }

        if (json.TokenType == JsonTokenType.String && PriorityOf(json.GetString()) is { } named)
        {
            header.Priority = named;
            return null;
        }

        return Wrong(name, "\"high\", \"normal\", \"low\" or a whole number from 0 (first) to 9", json);
    }

    /// <summary>The number of a priority's name or digit; null when it is none.</summary>
    public static int? PriorityOf(string? name) => name?.ToLowerInvariant() switch
    {
        "high" => 2,
        "normal" => JobHeader.NormalPriority,
        "low" => 8,
        { Length: 1 } digit when char.IsAsciiDigit(digit[0]) => digit[0] - '0',
        _ => null,
    };

    private static PayloadFault? Seconds(ref Utf8JsonReader json, string name, double least, double most, Action<long> take)
    {
        if (json.TokenType != JsonTokenType.Number || !json.TryGetDouble(out var seconds) || !(seconds >= least && seconds <= most))
        {
            return Wrong(name, string.Create(CultureInfo.InvariantCulture, $"seconds, a number from {least} to {most}"), json);
        }

        take((long)Math.Round(seconds * 1000));
        return null;
    }

    private static PayloadFault? Whole(ref Utf8JsonReader json, string name, int least, int most, Action<int> take)
    {
        if (json.TokenType != JsonTokenType.Number || !json.TryGetInt32(out var number) || number < least || number > most)
        {
            return Wrong(name, string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"), json);
        }

        take(number);
        return null;
    }

    private static PayloadFault? DependsOn(ref Utf8JsonReader json, string name, JobHeader header)
    {
        var expected = $"an id or an array of at most {MaxDependencies} ids";
        if (json.TokenType == JsonTokenType.String && WhyNoId(json.GetString()!) is null)
        {
            header.DependsOn = [json.GetString()!];
            return null;
        }

        if (json.TokenType != JsonTokenType.StartArray) return Wrong(name, expected, json);
        var ids = new List<string>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            var id = json.TokenType switch
            {
                JsonTokenType.String => json.GetString()!,
                JsonTokenType.Number => Encoding.ASCII.GetString(json.ValueSpan),
                _ => string.Empty,
            };
            if (ids.Count == MaxDependencies || WhyNoId(id) is not null)
            {
                while (json.TokenType != JsonTokenType.EndArray && json.Read()) json.TrySkip();
                return new PayloadFault("invalid_field", $"The field '{name}' is not {expected}.");
            }

            if (!ids.Contains(id)) ids.Add(id);
        }

        header.DependsOn = ids;
        return null;
    }

    private static PayloadFault? Text(ref Utf8JsonReader json, string name, Action<string> take)
    {
        if (json.TokenType != JsonTokenType.String) return Wrong(name, "a string", json);
        if (json.ValueSpan.Length <= 512) take(json.GetString()!);
        return null;
    }

    /// <summary>Unix ms of an ISO 8601 text (without an offset it is UTC) or of Unix seconds; null when it is neither.</summary>
    private static long? Time(ref Utf8JsonReader json)
    {
        if (json.TokenType == JsonTokenType.Number)
        {
            return json.TryGetDouble(out var seconds) && seconds > 0 && seconds * 1000 <= JobHeader.MaxTime ? (long)Math.Round(seconds * 1000) : null;
        }

        if (json.TokenType != JsonTokenType.String || json.ValueSpan.Length > 64) return null;
        return DateTimeOffset.TryParse(json.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            && time.ToUnixTimeMilliseconds() <= JobHeader.MaxTime
            ? Math.Max(0, time.ToUnixTimeMilliseconds())
            : null;
    }

    private static PayloadFault Wrong(string name, string expected, in Utf8JsonReader json)
    {
        var value = json.TokenType is JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False or JsonTokenType.String && json.ValueSpan.Length <= 64
            ? (json.TokenType == JsonTokenType.String ? $"\"{Encoding.UTF8.GetString(json.ValueSpan)}\"" : Encoding.UTF8.GetString(json.ValueSpan))
            : $"a JSON {PayloadReader.Kind(json.TokenType)}";
        return new PayloadFault("invalid_field", $"The field '{name}' is {value}; expected is {expected}.");
    }
}
