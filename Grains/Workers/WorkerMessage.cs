using System.Text.Json;

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

    /// <summary>What is wrong with a line that is no message, where it is no JSON; null otherwise.</summary>
    public string? Fault { get; private set; }

    public string? Text { get; private set; }

    public string? Kind { get; private set; }

    public string? ErrorType { get; private set; }

    public string? Detail { get; private set; }

    public string? Level { get; private set; }

    /// <summary>
    /// False for a line that is no message: not one JSON object, no type, or a known field of a wrong type. What was read
    /// before the fault stands in the message, so that an answer that breaks off in its result still names its job.
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
            return message.Read(ref reader);
        }
        catch (JsonException error)
        {
            message.Fault = error.Message;
            return false;
        }
        catch (Exception error) when (error is InvalidOperationException or FormatException)
        {
            return false;
        }
    }

    private bool Read(ref Utf8JsonReader reader)
    {
        reader.Read();
        var hasType = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8))
            {
                reader.Read();
                Type = ReadType(ref reader);
                hasType = true;
            }
            else
            {
                ReadField(ref reader);
            }
        }

        // What follows the object on its line makes the reader throw.
        reader.Read();
        return hasType;
    }

    private static WorkerMessageType ReadType(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("result"u8) ? WorkerMessageType.Result
        : reader.ValueTextEquals("progress"u8) ? WorkerMessageType.Progress
        : reader.ValueTextEquals("heartbeat"u8) ? WorkerMessageType.Heartbeat
        : reader.ValueTextEquals("error"u8) ? WorkerMessageType.Error
        : reader.ValueTextEquals("log"u8) ? WorkerMessageType.Log
        : reader.ValueTextEquals("ready"u8) ? WorkerMessageType.Ready
        : WorkerMessageType.Unknown;

    private void ReadField(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("id"u8))
        {
            Id = ReadNumber(ref reader);
        }
        else if (reader.ValueTextEquals("result"u8))
        {
            ReadResult(ref reader);
        }
        else if (reader.ValueTextEquals("done"u8))
        {
            Done = ReadNumber(ref reader);
        }
        else if (reader.ValueTextEquals("total"u8))
        {
            Total = ReadNumber(ref reader);
        }
        else if (reader.ValueTextEquals("message"u8))
        {
            Text = ReadText(ref reader);
        }
        else if (reader.ValueTextEquals("kind"u8))
        {
            Kind = ReadText(ref reader);
        }
        else if (reader.ValueTextEquals("error"u8))
        {
            ErrorType = ReadText(ref reader);
        }
        else if (reader.ValueTextEquals("detail"u8))
        {
            Detail = ReadText(ref reader);
        }
        else if (reader.ValueTextEquals("level"u8))
        {
            Level = ReadText(ref reader);
        }
        else if (reader.ValueTextEquals("protocol"u8))
        {
            Protocol = (int)Math.Clamp(ReadNumber(ref reader), int.MinValue, int.MaxValue);
        }
        else if (reader.ValueTextEquals("batch"u8))
        {
            Batch = ReadNumber(ref reader);
        }
        else if (reader.ValueTextEquals("gpu_memory_mib"u8))
        {
            GpuMemoryMiB = ReadNumber(ref reader);
        }
        else if (reader.ValueTextEquals("heartbeat"u8))
        {
            reader.Read();
            Heartbeat = reader.GetBoolean();
        }
        else if (reader.ValueTextEquals("watch"u8))
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

    private static string? ReadText(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.GetString();
    }

    /// <summary>Whole numbers, and the fractions that some languages write for them; null is 0.</summary>
    private static long ReadNumber(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.Null ? 0
            : reader.TryGetInt64(out var whole) ? whole
            : (long)reader.GetDouble();
    }
}
