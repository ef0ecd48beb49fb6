using System.Security.Cryptography;
using System.Text.Json;

namespace Gristmill.Store.Payloads;

/// <summary>
/// What makes two payloads of one id the same job: the SHA-256 of the payload's top-level members in order, each as name,
/// a zero byte, its JSON text and a zero byte, without the members that change with each push (when it was queued, the
/// trace context; of a message of the queue's dialect Celery its properties, which name the delivery). Of a payload that is
/// no object: the SHA-256 of its bytes. The first 12 bytes, in base64url.
/// </summary>
public static class Fingerprint
{
    private const int Length = 12;
    private static readonly byte[] Zero = [0];

    /// <summary>The fingerprint of a payload: 16 characters.</summary>
    /// <param name="payload">The bytes as pushed.</param>
    /// <param name="fields">The names of the members.</param>
    /// <param name="own">The library whose messages are payloads too; null for none.</param>
    public static string Of(ReadOnlySpan<byte> payload, PayloadFields fields, Dialect? own = null)
    {
        var isCelery = own == Dialect.Celery && ForeignDialects.DialectOf(payload) == own;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (!TryMembers(payload, fields, isCelery, hash))
        {
            // Also clears what a broken object may have left in the hash.
            hash.GetHashAndReset();
            hash.AppendData(payload);
        }

        Span<byte> digest = stackalloc byte[32];
        hash.GetHashAndReset(digest);
        return System.Buffers.Text.Base64Url.EncodeToString(digest[..Length]);
    }

    private static bool TryMembers(ReadOnlySpan<byte> payload, PayloadFields fields, bool isCelery, IncrementalHash hash)
    {
        var names = fields.Names;
        try
        {
            var json = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = PayloadReader.MaxDepth });
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject) return false;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var volatileMember = json.TextIs(names[(int)PayloadField.QueuedAt]) || json.TextIs(names[(int)PayloadField.TraceParent]) || json.TextIs(names[(int)PayloadField.TraceState])
                    || (isCelery && json.TextIs("properties"u8));
                var name = json.ValueSpan;
                json.Read();
                var start = (int)json.TokenStartIndex;
                json.Skip();
                if (volatileMember) continue;
                hash.AppendData(name);
                hash.AppendData(Zero);
                hash.AppendData(payload[start..(int)json.BytesConsumed]);
                hash.AppendData(Zero);
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
