using System.Text;
using System.Text.Json;

namespace Gristmill.Store.Payloads;

/// <summary>A payload that cannot be a job: the word for why, and a message that names the field and the bound.</summary>
/// <param name="Reason">malformed, invalid_field or foreign_dialect.</param>
/// <param name="Message">For people.</param>
public sealed record PayloadFault(string Reason, string Message);

/// <summary>
/// Reads what a pushed payload says of its job into the job's header. The payload itself is never changed. Whole numbers
/// are read as text, so that ids beyond 2^53 keep all their digits.
/// </summary>
public static class PayloadReader
{
    /// <summary>The shortest limit of an attempt, in seconds.</summary>
    public const double MinTimeoutSeconds = 0.001;

    /// <summary>The longest limit of an attempt, in seconds: 30 days.</summary>
    public const double MaxTimeoutSeconds = 30 * 24 * 3600;

    /// <summary>Nested deeper than this, a payload is malformed.</summary>
    public const int MaxDepth = 64;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth };

    /// <summary>Takes the fields of a payload into a header.</summary>
    /// <param name="payload">The bytes as pushed.</param>
    /// <param name="fields">The names of the members.</param>
    /// <param name="allowOpaque">Whether anything but a JSON object is a payload too.</param>
    /// <param name="header">Gets what is found; what the payload does not say stays as it is.</param>
    /// <param name="own">The library whose messages are payloads too; null for none.</param>
    /// <returns>Why this cannot be a job; null when it can.</returns>
    public static PayloadFault? Read(ReadOnlySpan<byte> payload, PayloadFields fields, bool allowOpaque, JobHeader header, Dialect? own = null)
    {
        if (payload.IsEmpty)
        {
            return allowOpaque ? null : new PayloadFault("malformed", "The payload is empty; a JSON object is expected.");
        }

        if (!System.Text.Unicode.Utf8.IsValid(payload))
        {
            return allowOpaque ? null : new PayloadFault("malformed", "The payload is not valid UTF-8; a JSON object is expected.");
        }

        try
        {
            var json = new Utf8JsonReader(payload, Options);
            json.Read();
            if (json.TokenType != JsonTokenType.StartObject)
            {
                return allowOpaque ? null : new PayloadFault("malformed", $"The payload is a JSON {Kind(json.TokenType)}; a JSON object is expected.");
            }

            return ReadObject(ref json, fields, header, own, DialectEnvelope.Of(payload, own));
        }
        catch (JsonException wrong)
        {
            return allowOpaque
                ? null
                : new PayloadFault("malformed", $"The payload is not JSON: {wrong.Message}");
        }
    }

    private static PayloadFault? ReadObject(ref Utf8JsonReader json, PayloadFields fields, JobHeader header, Dialect? own, DialectEnvelope? envelope)
    {
        var names = fields.Names;
        var dialect = default(DialectMarks);
        PayloadFault? fault = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            dialect.See(ref json);
            var field = envelope?.Shadows(ref json) == true ? -1 : Find(ref json, names);
            var isEnvelope = envelope?.Has(ref json) == true;
            json.Read();
            if (isEnvelope) envelope!.Take(json);
            if (field >= 0 && json.TokenType != JsonTokenType.Null)
            {
                // What is wrong first is said; the id is wanted in any case, to find the dead letter by.
                if (fault is null || field == (int)PayloadField.JobId)
                {
                    var wrong = Take((PayloadField)field, ref json, Encoding.UTF8.GetString(names[field]), header);
                    fault ??= wrong;
                }
            }

            json.Skip();
        }

        // Whatever stands behind the object makes the payload malformed: the reader throws.
        while (json.Read())
        {
        }

        var wrongEnvelope = envelope?.Fill(header);
        return dialect.Library is { } foreign && foreign != own
            ? new PayloadFault("foreign_dialect", $"The payload is a message of {foreign}, not a job of this queue's producers.")
            : fault ?? wrongEnvelope;
    }

    private static PayloadFault? Take(PayloadField field, ref Utf8JsonReader json, string name, JobHeader header)
    {
        try
        {
            return PayloadValues.Take(field, ref json, name, header);
        }
        catch (InvalidOperationException)
        {
            return PayloadValues.NoUnicode(name);
        }
    }

    private static int Find(ref Utf8JsonReader json, byte[][] names)
    {
        for (var i = 0; i < names.Length; i++)
        {
            if (json.TextIs(names[i])) return i;
        }

        return -1;
    }

    internal static string Kind(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "object",
        JsonTokenType.StartArray => "array",
        JsonTokenType.String => "string",
        JsonTokenType.Number => "number",
        JsonTokenType.True or JsonTokenType.False => "boolean",
        _ => "null",
    };
}
