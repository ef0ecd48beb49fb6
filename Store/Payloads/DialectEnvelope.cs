using System.Text;
using System.Text.Json;

namespace Gristmill.Store.Payloads;

/// <summary>
/// What the envelope of another library's message says of the job, in a queue that takes such messages: the id (Celery's
/// headers.id, Sidekiq's jid, Laravel's uuid), and of Celery's when to start it and when it is too late (headers.eta,
/// headers.expires). The queue's own fields come first. <see cref="PayloadReader"/> shows it the members one by one.
/// </summary>
internal sealed class DialectEnvelope
{
    private readonly Dialect _dialect;
    private string? _id;
    private long _due;
    private long _expires;
    private PayloadFault? _wrongId;
    private PayloadFault? _wrongDue;
    private PayloadFault? _wrongExpires;

    private DialectEnvelope(Dialect dialect) => _dialect = dialect;

    /// <summary>The envelope of a payload; null when it is no message of the queue's dialect.</summary>
    public static DialectEnvelope? Of(ReadOnlySpan<byte> payload, Dialect? dialect) =>
        dialect is { } own && ForeignDialects.DialectOf(payload) == own ? new DialectEnvelope(own) : null;

    /// <summary>Whether the member at which the reader stands says something of the job.</summary>
    public bool Has(ref Utf8JsonReader json) => Member is { IsEmpty: false } member && json.TextIs(member);

    /// <summary>Whether the library means something else by the member than a field of that name: Sidekiq counts the retries so far.</summary>
    public bool Shadows(ref Utf8JsonReader json) => _dialect == Dialect.Sidekiq && json.TextIs("retry_count"u8);

    /// <summary>Takes the value of a member that it has; the reader is a copy.</summary>
    public void Take(Utf8JsonReader json)
    {
        if (_dialect != Dialect.Celery) _wrongId = Id(ref json, Encoding.UTF8.GetString(Member));
        else if (json.TokenType == JsonTokenType.StartObject) TakeHeaders(ref json);
    }

    /// <summary>Fills in what the queue's own fields did not say.</summary>
    /// <returns>What of that is wrong; null when nothing is.</returns>
    public PayloadFault? Fill(JobHeader header)
    {
        PayloadFault? fault = null;
        if (header.Id is null) (header.Id, fault) = (_id, _wrongId);
        if (header.Due == 0)
        {
            header.Due = _due;
            fault ??= _wrongDue;
        }

        header.Expires = _expires;
        return fault ?? _wrongExpires;
    }

    private ReadOnlySpan<byte> Member => _dialect switch
    {
        Dialect.Celery => "headers"u8,
        Dialect.Sidekiq => "jid"u8,
        Dialect.Laravel => "uuid"u8,
        _ => default,
    };

    private void TakeHeaders(ref Utf8JsonReader json)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.TextIs("id"u8)) _wrongId = json.Read() ? Id(ref json, "headers.id") : null;
            else if (json.TextIs("eta"u8)) _wrongDue = json.Read() ? Time(ref json, "headers.eta", at => _due = at) : null;
            else if (json.TextIs("expires"u8)) _wrongExpires = json.Read() ? Time(ref json, "headers.expires", at => _expires = Math.Max(1, at)) : null;
            else json.Read();
            json.Skip();
        }
    }

    private PayloadFault? Id(ref Utf8JsonReader json, string name)
    {
        try
        {
            return json.TokenType == JsonTokenType.Null ? null : PayloadValues.Id(ref json, name, id => _id = id);
        }
        catch (InvalidOperationException)
        {
            return PayloadValues.NoUnicode(name);
        }
    }

    private static PayloadFault? Time(ref Utf8JsonReader json, string name, Action<long> take)
    {
        try
        {
            return json.TokenType == JsonTokenType.Null ? null : PayloadValues.Moment(ref json, name, take);
        }
        catch (InvalidOperationException)
        {
            return PayloadValues.NoUnicode(name);
        }
    }
}
