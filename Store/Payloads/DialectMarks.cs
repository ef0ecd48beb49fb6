using System.Text.Json;

namespace Gristmill.Store.Payloads;

/// <summary>
/// Recognises messages of other job libraries by the members of their envelopes: Celery's protocol (kombu: body,
/// content-encoding, headers, properties), Sidekiq (class, args, jid), Resque (class and args alone), Laravel
/// (job, data, displayName).
/// </summary>
internal struct DialectMarks
{
    private Mark _seen;
    private int _members;

    [Flags]
    private enum Mark
    {
        None = 0,
        Body = 1,
        Headers = 2,
        Properties = 4,
        ContentEncoding = 8,
        Class = 16,
        Args = 32,
        Jid = 64,
        Job = 128,
        Data = 256,
        DisplayName = 512,
    }

    /// <summary>The library whose message this is; null when it is none that is known.</summary>
    public readonly Dialect? Library
    {
        get
        {
            if (Has(Mark.Body | Mark.Headers | Mark.Properties | Mark.ContentEncoding)) return Dialect.Celery;
            if (Has(Mark.Class | Mark.Args | Mark.Jid)) return Dialect.Sidekiq;
            if (Has(Mark.Job | Mark.Data | Mark.DisplayName)) return Dialect.Laravel;
            return _members == 2 && Has(Mark.Class | Mark.Args) ? Dialect.Resque : null;
        }
    }

    public void See(ref Utf8JsonReader json)
    {
        _members++;
        if (json.ValueIsEscaped) return;
        var name = json.ValueSpan;
        _seen |= name.Length switch
        {
            3 when name.SequenceEqual("jid"u8) => Mark.Jid,
            3 when name.SequenceEqual("job"u8) => Mark.Job,
            4 when name.SequenceEqual("body"u8) => Mark.Body,
            4 when name.SequenceEqual("args"u8) => Mark.Args,
            4 when name.SequenceEqual("data"u8) => Mark.Data,
            5 when name.SequenceEqual("class"u8) => Mark.Class,
            7 when name.SequenceEqual("headers"u8) => Mark.Headers,
            10 when name.SequenceEqual("properties"u8) => Mark.Properties,
            11 when name.SequenceEqual("displayName"u8) => Mark.DisplayName,
            16 when name.SequenceEqual("content-encoding"u8) => Mark.ContentEncoding,
            _ => Mark.None,
        };
    }

    private readonly bool Has(Mark marks) => (_seen & marks) == marks;
}
