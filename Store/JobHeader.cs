using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Gristmill.Store.Payloads;

namespace Gristmill.Store;

/// <summary>One entry of a job's history of errors.</summary>
/// <param name="At">When, Unix ms by the store's clock.</param>
/// <param name="Attempt">The attempt that failed, from 1; 0 when it was refused before any.</param>
/// <param name="Kind">What went wrong: error, timeout, fatal, oom, lost, malformed, …</param>
/// <param name="Message">For people; at most <see cref="JobHeader.MaxErrorMessage"/> characters.</param>
public sealed record JobError(long At, int Attempt, string Kind, string Message);

/// <summary>How far a job is.</summary>
/// <param name="Done">Units done, 0 to Total.</param>
/// <param name="Total">Units in all; 0 when unknown.</param>
/// <param name="Message">For people; may be null.</param>
public sealed record JobProgress(long Done, long Total, string? Message)
{
    /// <summary>0 to 100; null when the total is unknown.</summary>
    public double? Percent => Total > 0 ? Math.Round(Math.Clamp(100.0 * Done / Total, 0, 100), 1) : null;
}

/// <summary>
/// The JSON header of a record: everything of a job but its payload and result. Names are short because each job carries
/// them; docs/redis-protocol.md lists them. What is left out has its default. Members that this version does not know
/// are kept as they are by this class; scripts that rewrite a header keep their meaning, but not the digits of numbers
/// beyond 14, nor that an empty array is not an object. Scripts read "a", "p", "st", "due", "n", "rq", "sid", "sq", "sn" and "se" by pattern, so no
/// nested object may use these names.
/// </summary>
public sealed class JobHeader
{
    /// <summary>The priority of a job that says nothing: the middle of 0 (first) to 9.</summary>
    public const int NormalPriority = 5;

    /// <summary>How many errors a job remembers; the same number stands in Scripts/common.lua.</summary>
    public const int MaxErrors = 10;

    /// <summary>Longer messages are cut.</summary>
    public const int MaxErrorMessage = 4096;

    /// <summary>The latest time that a header can hold, Unix ms: the year 5138. Lua writes more digits as an exponent.</summary>
    public const long MaxTime = 99_999_999_999_999;

    private const int MaxCount = int.MaxValue / 4;

    private List<(string Name, byte[] Value)>? _unknown;

    /// <summary>Not yet read by a silo: the fields of the payload are still to be taken into the header.</summary>
    public bool Raw { get; set; }

    /// <summary>The explicit id; null when the job has the store's own.</summary>
    public string? Id { get; set; }

    /// <summary>The id that the payload gave, of a refused job: it goes by the store's own, since that one is wrong or another job's.</summary>
    public string? GivenId { get; set; }

    /// <summary>When the store got the job, Unix ms.</summary>
    public long EnqueuedAt { get; set; }

    /// <summary>When the producer says that it queued the job, Unix ms; 0 when it does not.</summary>
    public long QueuedAt { get; set; }

    /// <summary>0 (first) to 9.</summary>
    public int Priority { get; set; } = NormalPriority;

    /// <summary>The session that the job belongs to.</summary>
    public string? SessionId { get; set; }

    /// <summary>The job's place in its session's order; null when the payload does not say.</summary>
    public int? Sequence { get; set; }

    /// <summary>How many jobs its session has, as the payload says; null when it does not.</summary>
    public int? SessionTotal { get; set; }

    /// <summary>The last of its session.</summary>
    public bool SessionEnd { get; set; }

    /// <summary>Attempts that ended and were charged.</summary>
    public int Attempts { get; set; }

    /// <summary>How often the silo or worker was lost while the job ran.</summary>
    public int Lost { get; set; }

    /// <summary>How often the job ran out of memory.</summary>
    public int OutOfMemory { get; set; }

    /// <summary>Retries after the first attempt, when the job has its own number.</summary>
    public int? MaxRetries { get; set; }

    /// <summary>The base of the backoff in ms, when the job has its own.</summary>
    public long? RetryDelay { get; set; }

    /// <summary>The time limit of one attempt in ms, when the job has its own.</summary>
    public long? Timeout { get; set; }

    /// <summary>Not before this time, Unix ms; 0 for at once.</summary>
    public long Due { get; set; }

    /// <summary>When it is too late to start it, Unix ms; 0 for never.</summary>
    public long Expires { get; set; }

    /// <summary>Ids of jobs that must complete first.</summary>
    public IReadOnlyList<string> DependsOn { get; set; } = [];

    /// <summary>The list that gets the result.</summary>
    public string? ReplyTo { get; set; }

    /// <summary>W3C trace context of the producer.</summary>
    public string? TraceParent { get; set; }

    /// <summary>W3C trace state of the producer.</summary>
    public string? TraceState { get; set; }

    /// <summary>The outcome; null while there is none.</summary>
    public JobState? Outcome { get; set; }

    /// <summary>Why the job is dead or cancelled: a word such as retries, timeout, malformed, id_conflict.</summary>
    public string? Reason { get; set; }

    /// <summary>When the last attempt started, Unix ms; 0 before the first has ended.</summary>
    public long StartedAt { get; set; }

    /// <summary>When the outcome was found, Unix ms.</summary>
    public long FinishedAt { get; set; }

    /// <summary>The silo of the last attempt that ended.</summary>
    public string? Silo { get; set; }

    /// <summary>The length of the payload in bytes when a result stands behind it.</summary>
    public int? PayloadLength { get; set; }

    /// <summary>The number that the job had before somebody gave it another life under this one; 0 for none.</summary>
    public long RequeuedFrom { get; set; }

    /// <summary>The last progress before the outcome.</summary>
    public JobProgress? Progress { get; set; }

    /// <summary>The last errors, oldest first.</summary>
    public IReadOnlyList<JobError> Errors { get; set; } = [];

    /// <summary>
    /// The last attempt that ran; 0 before the first. One that lost its silo or worker, or ran out of memory, is not charged:
    /// the next one has the same number.
    /// </summary>
    public int LastAttempt => Lost + OutOfMemory > 0 && Errors.Count > 0 ? Math.Max(Attempts, Errors[^1].Attempt) : Attempts;

    /// <summary>Adds an error and forgets the oldest beyond <see cref="MaxErrors"/>.</summary>
    public void AddError(JobError error)
    {
        var cut = error.Message.Length > MaxErrorMessage ? error with { Message = error.Message[..MaxErrorMessage] } : error;
        Errors = [.. Errors.Skip(Math.Max(0, Errors.Count - MaxErrors + 1)), cut];
    }

    /// <summary>Writes the header as one line of JSON, without the newline.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        using var json = new Utf8JsonWriter(output, WriterOptions);
        WriteTo(json);
    }

    /// <summary>The header as bytes.</summary>
    public byte[] ToBytes()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        Write(buffer);
        return buffer.WrittenSpan.ToArray();
    }

    internal static readonly JsonWriterOptions WriterOptions = new() { SkipValidation = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        if (Raw) json.WriteNumber("raw"u8, 1);
        Number(json, "e"u8, EnqueuedAt);
        Number(json, "q"u8, Math.Min(QueuedAt, MaxTime));
        Text(json, "id"u8, Id);
        Text(json, "gid"u8, GivenId);
        if (Priority != NormalPriority) json.WriteNumber("p"u8, Priority);
        Text(json, "sid"u8, SessionId);
        Number(json, "sq"u8, Sequence);
        Number(json, "sn"u8, SessionTotal);
        if (SessionEnd) json.WriteNumber("se"u8, 1);
        Number(json, "a"u8, Attempts);
        Number(json, "lost"u8, Lost);
        Number(json, "oom"u8, OutOfMemory);
        Number(json, "mr"u8, MaxRetries);
        Number(json, "rd"u8, RetryDelay);
        Number(json, "to"u8, Timeout);
        Number(json, "due"u8, Math.Min(Due, MaxTime));
        Number(json, "exp"u8, Math.Min(Expires, MaxTime));
        WriteDependsOn(json);
        Text(json, "rt"u8, ReplyTo);
        Text(json, "tp"u8, TraceParent);
        Text(json, "ts"u8, TraceState);
        if (Outcome is { } outcome) json.WriteString("st"u8, Letter(outcome));
        Text(json, "why"u8, Reason);
        Number(json, "t0"u8, StartedAt);
        Number(json, "t1"u8, FinishedAt);
        Text(json, "w"u8, Silo);
        Number(json, "n"u8, PayloadLength);
        Number(json, "rq"u8, RequeuedFrom);
        if (Progress is { } progress) ProgressJson.Write(json, "pr"u8, progress);
        WriteErrors(json);
        foreach (var (name, value) in _unknown ?? [])
        {
            json.WritePropertyName(name);
            json.WriteRawValue(value, skipInputValidation: true);
        }

        json.WriteEndObject();
    }

    /// <summary>Reads a header.</summary>
    /// <exception cref="JsonException">It is no JSON object, or a member is of the wrong type or beyond its bounds.</exception>
    public static JobHeader Parse(ReadOnlySpan<byte> utf8)
    {
        var header = new JobHeader();
        var json = new Utf8JsonReader(utf8);
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject) throw new JsonException("A record's header is a JSON object.");
        try
        {
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                header.ReadMember(ref json, utf8);
            }
        }
        catch (Exception wrong) when (wrong is InvalidOperationException or FormatException)
        {
            throw new JsonException("A member of a record's header is of the wrong type.", wrong);
        }

        return header;
    }

    private void ReadMember(ref Utf8JsonReader json, ReadOnlySpan<byte> utf8)
    {
        var name = json.GetString()!;
        json.Read();
        switch (name)
        {
            case "raw": Raw = json.GetInt32() != 0; break;
            case "e": EnqueuedAt = Within(ref json, MaxTime); break;
            case "q": QueuedAt = Within(ref json, MaxTime); break;
            case "id": Id = json.GetString(); break;
            case "gid": GivenId = json.GetString(); break;
            case "p": Priority = json.GetInt32(); break;
            case "sid": SessionId = json.GetString(); break;
            case "sq": Sequence = json.GetInt32(); break;
            case "sn": SessionTotal = json.GetInt32(); break;
            case "se": SessionEnd = json.GetInt32() != 0; break;
            case "a": Attempts = (int)Within(ref json, MaxCount); break;
            case "lost": Lost = (int)Within(ref json, MaxCount); break;
            case "oom": OutOfMemory = (int)Within(ref json, MaxCount); break;
            case "mr": MaxRetries = (int)Within(ref json, PayloadValues.MaxRetryCount); break;
            case "rd": RetryDelay = Within(ref json, (long)PayloadValues.MaxRetryDelaySeconds * 1000); break;
            case "to": Timeout = Within(ref json, (long)PayloadReader.MaxTimeoutSeconds * 1000); break;
            case "due": Due = Within(ref json, MaxTime); break;
            case "exp": Expires = Within(ref json, MaxTime); break;
            case "dep": DependsOn = ReadStrings(ref json); break;
            case "rt": ReplyTo = json.GetString(); break;
            case "tp": TraceParent = json.GetString(); break;
            case "ts": TraceState = json.GetString(); break;
            case "st": Outcome = FromLetter(json.GetString()); break;
            case "why": Reason = json.GetString(); break;
            case "t0": StartedAt = Within(ref json, MaxTime); break;
            case "t1": FinishedAt = Within(ref json, MaxTime); break;
            case "w": Silo = json.GetString(); break;
            case "n": PayloadLength = json.GetInt32(); break;
            case "rq": RequeuedFrom = json.GetInt64(); break;
            case "pr": Progress = ProgressJson.Read(ref json); break;
            case "er": Errors = ReadErrors(ref json); break;
            default:
                var start = (int)json.TokenStartIndex;
                json.Skip();
                (_unknown ??= []).Add((name, utf8[start..(int)json.BytesConsumed].ToArray()));
                break;
        }
    }

    private static void Number(Utf8JsonWriter json, ReadOnlySpan<byte> name, long? value)
    {
        if (value is { } number && number != 0) json.WriteNumber(name, number);
    }

    private static void Number(Utf8JsonWriter json, ReadOnlySpan<byte> name, int? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
    }

    private static void Number(Utf8JsonWriter json, ReadOnlySpan<byte> name, int value)
    {
        if (value != 0) json.WriteNumber(name, value);
    }

    private static void Text(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null) json.WriteString(name, value);
    }

    private void WriteDependsOn(Utf8JsonWriter json)
    {
        if (DependsOn.Count == 0) return;
        json.WriteStartArray("dep"u8);
        foreach (var id in DependsOn) json.WriteStringValue(id);
        json.WriteEndArray();
    }

    private void WriteErrors(Utf8JsonWriter json)
    {
        if (Errors.Count == 0) return;
        json.WriteStartArray("er"u8);
        foreach (var error in Errors)
        {
            json.WriteStartObject();
            json.WriteNumber("at"u8, error.At);
            json.WriteNumber("on"u8, error.Attempt);
            json.WriteString("k"u8, error.Kind);
            json.WriteString("m"u8, error.Message);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    // What is beyond its bound would throw where it is reckoned with.
    private static long Within(ref Utf8JsonReader json, long most) =>
        json.GetInt64() is var number && number >= 0 && number <= most ? number : throw new JsonException($"A number of a record's header is {number}; it must be 0 to {most}.");

    private static List<string> ReadStrings(ref Utf8JsonReader json)
    {
        var list = new List<string>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray) list.Add(json.GetString()!);
        return list;
    }

    private static List<JobError> ReadErrors(ref Utf8JsonReader json)
    {
        var list = new List<JobError>();
        while (json.Read() && json.TokenType == JsonTokenType.StartObject)
        {
            var error = new JobError(0, 0, string.Empty, string.Empty);
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var name = json.GetString();
                json.Read();
                error = name switch
                {
                    "at" => error with { At = Within(ref json, MaxTime) },
                    "on" => error with { Attempt = json.GetInt32() },
                    "k" => error with { Kind = json.GetString() ?? string.Empty },
                    "m" => error with { Message = json.GetString() ?? string.Empty },
                    _ => Skip(ref json, error),
                };
            }

            list.Add(error);
        }

        return list;
    }

    private static JobError Skip(ref Utf8JsonReader json, JobError error)
    {
        json.Skip();
        return error;
    }

    private static string Letter(JobState outcome) => outcome switch
    {
        JobState.Completed => "c",
        JobState.Dead => "d",
        JobState.Cancelled => "x",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, string.Create(CultureInfo.InvariantCulture, $"{outcome} is no outcome.")),
    };

    private static JobState? FromLetter(string? letter) => letter switch
    {
        "c" => JobState.Completed,
        "d" => JobState.Dead,
        "x" => JobState.Cancelled,
        _ => null,
    };
}
