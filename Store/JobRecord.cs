namespace Gristmill.Store;

/// <summary>A record as it stands in Redis: header, payload, and the result behind it.</summary>
/// <param name="Seq">The job's number.</param>
/// <param name="Header">All but payload and result.</param>
/// <param name="Payload">The bytes as pushed.</param>
/// <param name="Result">JSON; empty when there is none.</param>
public sealed record JobRecord(long Seq, JobHeader Header, ReadOnlyMemory<byte> Payload, ReadOnlyMemory<byte> Result)
{
    /// <summary>Results of workers that nest deeper are refused: nobody who asks for them could read them.</summary>
    public const int MaxResultDepth = 256;

    /// <summary>The job's id: its explicit one, or the store's own, made of the queue's epoch and the number.</summary>
    public string Id(string epoch) => Header.Id ?? OwnId(epoch, Seq);

    /// <summary>The id of a job that brought none.</summary>
    public static string OwnId(string epoch, long seq) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{epoch}-{seq}");

    /// <summary>Reads a record for a view: what is none is shown as it stands, with an error that says so.</summary>
    public static JobRecord Read(long seq, ReadOnlyMemory<byte> record)
    {
        try
        {
            return Parse(seq, record);
        }
        catch (System.Text.Json.JsonException error)
        {
            var header = new JobHeader();
            header.AddError(new JobError(0, 0, "corrupt", $"This is no record of Gristmill's: {error.Message}"));
            return new JobRecord(seq, header, record, default);
        }
    }

    /// <summary>Reads a record.</summary>
    /// <exception cref="System.Text.Json.JsonException">The header cannot be read.</exception>
    public static JobRecord Parse(long seq, ReadOnlyMemory<byte> record)
    {
        var newline = record.Span.IndexOf((byte)'\n');
        if (newline < 0) throw new System.Text.Json.JsonException("A record has a header, a newline and a payload.");
        var header = JobHeader.Parse(record.Span[..newline]);
        var rest = record[(newline + 1)..];
        var length = header.PayloadLength is { } n && n >= 0 && n <= rest.Length ? n : rest.Length;
        return new JobRecord(seq, header, rest[..length], rest[length..]);
    }
}

/// <summary>The running entry of a job: who runs it, since when, under which token.</summary>
/// <param name="Counter">The counter of the fencing token.</param>
/// <param name="Generation">The generation of the fencing token.</param>
/// <param name="Attempt">The attempt, from 1.</param>
/// <param name="StartedAt">Unix ms by the store's clock.</param>
/// <param name="Started">False while the job is only taken in.</param>
public sealed record RunningEntry(long Counter, string Generation, int Attempt, long StartedAt, bool Started)
{
    /// <summary>Reads "counter generation attempt started mode".</summary>
    public static RunningEntry Parse(string text)
    {
        var words = text.Split(' ');
        var culture = System.Globalization.CultureInfo.InvariantCulture;
        return new RunningEntry(long.Parse(words[0], culture), words[1], int.Parse(words[2], culture), long.Parse(words[3], culture), words[4] == "s");
    }
}
