using System.Buffers.Text;
using System.Text;
using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>
/// A message of a queue's events channel, as the store's scripts publish it: a verb and numbers ("queued 1 2 3"), which may
/// be ranges ("running 100-149"), or "progress", one number and a JSON array.
/// </summary>
internal readonly ref struct QueueEventMessage
{
    private QueueEventMessage(ReadOnlySpan<byte> verb, ReadOnlySpan<byte> rest)
    {
        Verb = verb;
        Rest = rest;
    }

    public ReadOnlySpan<byte> Verb { get; }

    private ReadOnlySpan<byte> Rest { get; }

    public bool IsProgress => Verb.SequenceEqual("progress"u8);

    /// <summary>Whether the jobs have their outcome with this, or are gone.</summary>
    public bool IsOutcome => Verb.SequenceEqual("completed"u8) || Verb.SequenceEqual("dead"u8) || Verb.SequenceEqual("cancelled"u8) || Verb.SequenceEqual("purged"u8);

    public static QueueEventMessage Parse(ReadOnlySpan<byte> message)
    {
        var space = message.IndexOf((byte)' ');
        return space < 0 ? new QueueEventMessage(message, default) : new QueueEventMessage(message[..space], message[(space + 1)..]);
    }

    /// <summary>The job and how far it is; null when this is not such a message.</summary>
    public (long Seq, JobProgress Progress)? ReadProgress()
    {
        if (!Utf8Parser.TryParse(Rest, out long seq, out var used) || used >= Rest.Length) return null;
        try
        {
            var reader = new System.Text.Json.Utf8JsonReader(Rest[(used + 1)..]);
            reader.Read();
            return ReadArray(ref reader) is { } progress ? (seq, progress) : null;
        }
        catch (Exception error) when (error is System.Text.Json.JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    public RangeEnumerator GetEnumerator() => new(Rest);

    private static JobProgress? ReadArray(ref System.Text.Json.Utf8JsonReader reader)
    {
        if (reader.TokenType != System.Text.Json.JsonTokenType.StartArray || !reader.Read() || !reader.TryGetInt64(out var done)) return null;
        if (!reader.Read() || !reader.TryGetInt64(out var total)) return null;
        return new JobProgress(done, total, reader.Read() && reader.TokenType == System.Text.Json.JsonTokenType.String ? reader.GetString() : null);
    }

    /// <summary>For logs and tests.</summary>
    public override string ToString() => $"{Encoding.UTF8.GetString(Verb)} {Encoding.UTF8.GetString(Rest)}";

    /// <summary>The numbers as ranges, both ends included. Stops at what is no number.</summary>
    public ref struct RangeEnumerator(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> _rest = rest;

        public (long First, long Last) Current { get; private set; }

        public bool MoveNext()
        {
            _rest = _rest.TrimStart((byte)' ');
            if (!Utf8Parser.TryParse(_rest, out long first, out var used) || first < 0) return false;
            _rest = _rest[used..];
            var last = first;
            if (_rest.Length > 0 && _rest[0] == '-')
            {
                if (!Utf8Parser.TryParse(_rest[1..], out last, out used)) return false;
                _rest = _rest[(used + 1)..];
            }

            Current = (first, last);
            return true;
        }
    }
}
