using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using Gristmill.Store;
using Gristmill.Store.Payloads;

namespace Gristmill.Client;

/// <summary>A job that can be sent.</summary>
/// <param name="Job">The store's job.</param>
/// <param name="IdIsGenerated">Whether the client made its id: when that is known already, it is this very job.</param>
internal readonly record struct ComposedJob(NewJob Job, bool IdIsGenerated);

/// <summary>
/// Makes the store's job of a payload and options. Called for each job before anything is sent, so that a bad one among many
/// stops all of them. Options are checked by the same rules as the payload's members: they are written as a JSON object and
/// read by <see cref="PayloadReader"/>, under the names that they have in the HTTP API.
/// </summary>
internal static class JobComposer
{
    private const int MaxAttempts = 1001;

    private static readonly PayloadFields OptionNames = new()
    {
        JobId = "id",
        SessionId = "sessionId",
        QueuedAt = "queuedAt",
        Priority = "priority",
        Timeout = "timeoutSeconds",
        RetryCount = "maxRetries",
        RetryDelay = "retryDelay",
        RunAt = "runAt",
        DependsOn = "dependsOn",
        ReplyTo = "replyTo",
        TraceParent = "traceParent",
        TraceState = "traceState",
        Sequence = "sequence",
        SessionTotal = "sessionTotal",
        SessionEnd = "sessionEnd",
    };

    /// <summary>The job.</summary>
    /// <param name="payload">The payload.</param>
    /// <param name="options">What it asks for.</param>
    /// <param name="queue">What the queue allows.</param>
    /// <param name="generateId">Whether a job without an id gets one.</param>
    /// <param name="index">Its place among several; null for a single one.</param>
    /// <exception cref="InvalidJobException">It cannot be a job.</exception>
    public static ComposedJob Compose(ReadOnlyMemory<byte> payload, EnqueueOptions? options, ClientQueueOptions queue, bool generateId, int? index)
    {
        CheckSize(payload.Length, queue, index);
        var header = new JobHeader();
        if (PayloadReader.Read(payload.Span, queue.Fields, queue.AllowOpaque, header, queue.Dialect) is { } fault)
        {
            throw new InvalidJobException("payload", fault.Reason, Place(index) + fault.Message, index);
        }

        if (options is not null) Apply(options, header, index);
        CheckReply(header.ReplyTo, options?.ReplyTo is not null, queue, index);
        var generated = generateId && header.Id is null;
        if (generated) header.Id = Guid.NewGuid().ToString("N");
        AddTrace(header);
        var fingerprint = header.Id is null ? string.Empty : Fingerprint.Of(payload.Span, queue.Fields, queue.Dialect);
        return new ComposedJob(new NewJob(header, fingerprint, payload), generated);
    }

    /// <summary>Checks the payload that is to replace a dead letter's.</summary>
    public static void CheckPayload(ReadOnlyMemory<byte> payload, ClientQueueOptions queue)
    {
        CheckSize(payload.Length, queue, null);
        if (PayloadReader.Read(payload.Span, queue.Fields, queue.AllowOpaque, new JobHeader(), queue.Dialect) is { } fault)
        {
            throw new InvalidJobException("payload", fault.Reason, fault.Message);
        }
    }

    /// <summary>Checks an id that a job might have.</summary>
    public static void CheckId(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        Apply(new EnqueueOptions { Id = id }, new JobHeader(), null);
    }

    private static void CheckSize(int length, ClientQueueOptions queue, int? index)
    {
        if (length > queue.MaxPayloadBytes)
        {
            throw new InvalidJobException("payload", "too_large", $"{Place(index)}The payload has {length} bytes; the queue takes at most {queue.MaxPayloadBytes}.", index);
        }
    }

    private static void CheckReply(string? list, bool isOption, ClientQueueOptions queue, int? index)
    {
        if (list is null || queue.ReplyToPrefixes is not { } prefixes) return;
        var fields = isOption ? OptionNames : queue.Fields;
        if (new ForeignLists(null, prefixes, fields).WhyNot(list) is not { } why) return;
        throw new InvalidJobException(isOption ? OptionNames.ReplyTo : "payload", "invalid_field", Place(index) + why, index);
    }

    private static void Apply(EnqueueOptions options, JobHeader header, int? index)
    {
        if (options.MaxAttempts is { } attempts && attempts is < 1 or > MaxAttempts)
        {
            throw new InvalidJobException("maxAttempts", "invalid_field", $"{Place(index)}The field 'maxAttempts' is {attempts}; expected is a whole number from 1 to {MaxAttempts}.", index);
        }

        var members = new ArrayBufferWriter<byte>(128);
        using (var json = new Utf8JsonWriter(members, new JsonWriterOptions { SkipValidation = true }))
        {
            json.WriteStartObject();
            Write(json, options);
            json.WriteEndObject();
        }

        if (PayloadReader.Read(members.WrittenSpan, OptionNames, false, header) is not { } fault) return;
        throw new InvalidJobException(FieldOf(fault.Message), fault.Reason, Place(index) + fault.Message, index);
    }

    private static void Write(Utf8JsonWriter json, EnqueueOptions options)
    {
        if (options.Id is { } id) json.WriteString(OptionNames.JobId, id);
        if (options.SessionId is { } session) json.WriteString(OptionNames.SessionId, session);
        if (options.Sequence is { } sequence) json.WriteNumber(OptionNames.Sequence!, sequence);
        if (options.SessionTotal is { } total) json.WriteNumber(OptionNames.SessionTotal!, total);
        if (options.SessionEnd is { } end) json.WriteBoolean(OptionNames.SessionEnd!, end);
        if (options.Priority is { } priority) json.WriteNumber(OptionNames.Priority, priority);
        if (options.Timeout is { } timeout) json.WriteNumber(OptionNames.Timeout, timeout.TotalSeconds);
        if (options.MaxAttempts is { } attempts) json.WriteNumber(OptionNames.RetryCount, attempts - 1);
        if (options.RunAt is { } runAt) json.WriteString(OptionNames.RunAt, runAt);
        if (options.ReplyTo is { } list) json.WriteString(OptionNames.ReplyTo, list);
        if (options.DependsOn is not { Count: > 0 } parents) return;
        json.WriteStartArray(OptionNames.DependsOn);
        foreach (var parent in parents) json.WriteStringValue(parent);
        json.WriteEndArray();
    }

    // Every message of the reader names its field in the first pair of quotes.
    private static string FieldOf(string message)
    {
        var parts = message.Split('\'');
        return parts.Length > 2 ? parts[1] : "options";
    }

    private static void AddTrace(JobHeader header)
    {
        if (header.TraceParent is not null || Activity.Current is not { IdFormat: ActivityIdFormat.W3C } activity) return;
        header.TraceParent = activity.Id;
        header.TraceState = activity.TraceStateString;
    }

    private static string Place(int? index) => index is { } i ? $"Job {i}: " : string.Empty;
}
