using System.Text;
using System.Text.Json;
using Gristmill.Store.Payloads;

namespace Gristmill.Grains.Workers;

/// <summary>What a worker can say.</summary>
internal enum WorkerMessageType
{
    Unknown = 0,
    Ready,
    Heartbeat,
    Progress,
    Result,
    Error,
    Log,
}

/// <summary>
/// One line from a worker, read in place: nothing is copied but texts that are there. Fields come in any order, and
/// those that are not known are skipped; a type that is not known is <see cref="WorkerMessageType.Unknown"/>.
/// </summary>
internal struct WorkerMessage
{
    public WorkerMessageType Type { get; private set; }

    /// <summary>The <c>id</c> of the job message that this one answers; 0 where there is none.</summary>
    public long Id { get; private set; }

    public int Protocol { get; private set; }

    public bool Heartbeat { get; private set; }

    /// <summary>Whether the worker ends itself when the silo falls silent, and therefore wants its heartbeats.</summary>
    public bool Watch { get; private set; }

    /// <summary>How many jobs a worker takes at once, as it says when it is ready; 0 where it does not say.</summary>
    public long Batch { get; private set; }

    /// <summary>The most device memory in MiB that the worker has used; 0 where it does not say.</summary>
    public long GpuMemoryMiB { get; private set; }

    public long Done { get; private set; }

    public long Total { get; private set; }

    /// <summary>Where in the line the raw JSON of <c>result</c> stands; empty where absent or null.</summary>
    public Range Result { get; private set; }

    /// <summary>How many objects and arrays stand in one another in <c>result</c>.</summary>
    public int ResultDepth { get; private set; }

    /// <summary>What is wrong with a line that breaks off in being a message; null otherwise.</summary>
    public string? Fault { get; private set; }

    public string? Text { get; private set; }

    public string? Kind { get; private set; }

    public string? ErrorType { get; private set; }

    public string? Detail { get; private set; }

    public string? Level { get; private set; }

    /// <summary>
    /// False for a line that is no message: not one JSON object, no type, or a number or flag that is none. What was read
    /// before the fault stands in the message, so that an answer that breaks off in its result still names its job. Texts are
    /// for people: one that is no Unicode is read as far as it is, and any other value stands for itself.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> line, out WorkerMessage message)
    {
        message = default;
        if (line.IsEmpty || line[0] != (byte)'{')
        {
            return false;
        }

        try
        {
            // The reader does not recurse: depth costs a bit a level, and the line's length bounds it.
            var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = int.MaxValue });
            return message.Read(ref reader, line);
        }
        catch (JsonException error)
        {
            message.Fault = $"is no JSON: {error.Message}";
            return false;
        }
        catch (Exception error) when (error is InvalidOperationException or FormatException)
        {
            message.Fault = "has a field of the wrong type.";
            return false;
        }
    }

    private bool Read(ref Utf8JsonReader reader, ReadOnlySpan<byte> line)
    {
        reader.Read();
        var hasType = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.TextIs("type"u8))
            {
                reader.Read();
                hasType = reader.TokenType == JsonTokenType.String;
                Type = hasType ? ReadType(ref reader) : WorkerMessageType.Unknown;
                reader.Skip();
            }
            else
            {
                ReadField(ref reader, line);
            }
        }

        // What follows the object on its line makes the reader throw.
        reader.Read();
        return hasType;
    }

    private static WorkerMessageType ReadType(ref Utf8JsonReader reader) =>
        reader.TextIs("result"u8) ? WorkerMessageType.Result
        : reader.TextIs("progress"u8) ? WorkerMessageType.Progress
        : reader.TextIs("heartbeat"u8) ? WorkerMessageType.Heartbeat
        : reader.TextIs("error"u8) ? WorkerMessageType.Error
        : reader.TextIs("log"u8) ? WorkerMessageType.Log
        : reader.TextIs("ready"u8) ? WorkerMessageType.Ready
        : WorkerMessageType.Unknown;

    private void ReadField(ref Utf8JsonReader reader, ReadOnlySpan<byte> line)
    {
        if (reader.TextIs("id"u8))
        {
            Id = ReadNumber(ref reader);
        }
        else if (reader.TextIs("result"u8))
        {
            ReadResult(ref reader);
        }
        else if (reader.TextIs("done"u8))
        {
            Done = ReadAmount(ref reader);
        }
        else if (reader.TextIs("total"u8))
        {
            Total = ReadAmount(ref reader);
        }
        else if (reader.TextIs("message"u8))
        {
            Text = ReadText(ref reader, line);
        }
        else if (reader.TextIs("kind"u8))
        {
            Kind = ReadText(ref reader, line);
        }
        else if (reader.TextIs("error"u8))
        {
            ErrorType = ReadText(ref reader, line);
        }
        else if (reader.TextIs("detail"u8))
        {
            Detail = ReadText(ref reader, line);
        }
        else if (reader.TextIs("level"u8))
        {
            Level = ReadText(ref reader, line);
        }
        else if (reader.TextIs("protocol"u8))
        {
            Protocol = (int)Math.Clamp(ReadNumber(ref reader), int.MinValue, int.MaxValue);
        }
        else if (reader.TextIs("batch"u8))
        {
            Batch = ReadNumber(ref reader);
        }
        else if (reader.TextIs("gpu_memory_mib"u8))
        {
            GpuMemoryMiB = ReadAmount(ref reader);
        }
        else if (reader.TextIs("heartbeat"u8))
        {
            reader.Read();
            Heartbeat = reader.GetBoolean();
        }
        else if (reader.TextIs("watch"u8))
        {
            reader.Read();
            Watch = reader.GetBoolean();
        }
        else
        {
            reader.Skip();
        }
    }

    private void ReadResult(ref Utf8JsonReader reader)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        if (reader.TokenType == JsonTokenType.Null)
        {
            Result = default;
            return;
        }

        var around = reader.CurrentDepth;
        if (IsOpening(reader.TokenType))
        {
            // At an opening token the depth is that around it.
            do
            {
                var within = IsOpening(reader.TokenType) ? 1 : 0;
                ResultDepth = Math.Max(ResultDepth, reader.CurrentDepth - around + within);
                reader.Read();
            }
            while (reader.CurrentDepth > around);
        }

        Result = start..(int)reader.BytesConsumed;
    }

    private static bool IsOpening(JsonTokenType token) => token is JsonTokenType.StartObject or JsonTokenType.StartArray;

    private static string? ReadText(ref Utf8JsonReader reader, ReadOnlySpan<byte> line)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return null;
        if (reader.TokenType == JsonTokenType.String) return reader.ReadableText();
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return Encoding.UTF8.GetString(line[start..(int)reader.BytesConsumed]);
    }

    /// <summary>A number that only informs: what is none is 0.</summary>
    private static long ReadAmount(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number) return Whole(ref reader);
        reader.Skip();
        return 0;
    }

    /// <summary>Whole numbers, and the fractions that some languages write for them; null is 0.</summary>
    private static long ReadNumber(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.Null ? 0 : Whole(ref reader);
    }

    private static long Whole(ref Utf8JsonReader reader) => reader.TryGetInt64(out var whole) ? whole : (long)reader.GetDouble();
}
