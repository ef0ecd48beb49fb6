using System.Text.Json;

namespace Gristmill.Store.Payloads;

/// <summary>
/// Where the producer of an unread payload waits, and by which id. For jobs that ended before anybody read them: too large,
/// no whole JSON, lost with their silo. Looks at the beginning of the payload only, as far as that is JSON.
/// </summary>
/// <param name="ReplyTo">The list; null when none is found.</param>
/// <param name="JobId">The id that the payload gives; null when none is found.</param>
public sealed record ReplyAddress(string? ReplyTo, string? JobId)
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = PayloadReader.MaxDepth };

    /// <summary>Finds both among the top-level members.</summary>
    /// <param name="beginning">The first bytes of the payload, or all of it.</param>
    /// <param name="fields">The names of the members.</param>
    public static ReplyAddress Find(ReadOnlySpan<byte> beginning, PayloadFields fields)
    {
        var header = new JobHeader();
        try
        {
            var json = new Utf8JsonReader(beginning, isFinalBlock: false, new JsonReaderState(Options));
            if (json.Read() && json.TokenType == JsonTokenType.StartObject)
            {
                while (json.Read() && json.TokenType == JsonTokenType.PropertyName && ReadMember(ref json, fields, header))
                {
                }
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // No JSON from here on: what stands before it counts.
        }

        return new ReplyAddress(header.ReplyTo, header.Id);
    }

    // False when the value is cut off: what it begins with is no member of the payload.
    private static bool ReadMember(ref Utf8JsonReader json, PayloadFields fields, JobHeader header)
    {
        PayloadField? field = json.TextIs(fields.Names[(int)PayloadField.ReplyTo]) ? PayloadField.ReplyTo : json.TextIs(fields.Names[(int)PayloadField.JobId]) ? PayloadField.JobId : null;
        if (!json.Read()) return false;
        if (field is { } wanted && json.TokenType != JsonTokenType.Null) PayloadValues.Take(wanted, ref json, string.Empty, header);
        return json.TrySkip();
    }
}
