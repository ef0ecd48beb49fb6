using System.CommandLine;
using System.Globalization;
using Gristmill.Client;
using Gristmill.Silo.Commands.Api;
using Gristmill.Silo.Commands.Completion;
using Gristmill.Silo.Http;
using Gristmill.Store;
using Gristmill.Store.Payloads;

namespace Gristmill.Silo.Commands;

/// <summary><c>gristmill enqueue asr '{"chunk":7}'</c></summary>
internal static class EnqueueCommand
{
    private static readonly Argument<string> Queue = new("queue") { Description = "The queue." };
    private static readonly Argument<string> Payload = new("payload") { Description = "The payload: JSON, @file, or - for standard input." };
    private static readonly Option<string?> Id = new("--id") { Description = "An id that makes enqueueing the same job twice harmless." };
    private static readonly Option<string?> Session = new("--session") { Description = "The session that the job belongs to." };
    private static readonly Option<string?> Priority = new Option<string?>("--priority") { Description = "high, normal, low, or 0 (first) to 9." }.Offering(["high", "normal", "low"]);
    private static readonly Option<string?> RunAt = new("--run-at") { Description = "Not before this time: ISO 8601 (without an offset it is UTC) or Unix seconds." };
    private static readonly Option<int?> MaxAttempts = new("--max-attempts") { Description = "Attempts in all, 1 to 1001." };
    private static readonly Option<double?> Timeout = new("--timeout") { Description = string.Create(CultureInfo.InvariantCulture, $"Seconds for one attempt, {PayloadReader.MinTimeoutSeconds} to {PayloadReader.MaxTimeoutSeconds}.") };
    private static readonly Option<string[]> DependsOn = new("--depends-on") { Description = "Ids of jobs of the same queue that must complete first; several by commas, or the option again.", AllowMultipleArgumentsPerToken = true };
    private static readonly Option<string?> ReplyTo = new("--reply-to") { Description = "A list that gets the outcome as JSON; it must begin with one of the queue's ReplyToPrefixes." };

    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var command = new Command("enqueue", "Enqueues a job.") { Queue, Payload, Id, Session, Priority, RunAt, MaxAttempts, Timeout, DependsOn, ReplyTo };
        command.SetAction(CommandRun.Action(environment, globals, RunAsync));
        return command;
    }

    private static async Task<int> RunAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var options = Options(run.Parsed);
        var payload = await PayloadSource.ReadAsync(run.Parsed.GetRequiredValue(Payload), run.Environment, cancellationToken);
        var queue = run.Queue(Queue);
        var handle = await EnqueueAsync(run, queue, payload, options, cancellationToken);
        if (run.IsJson) run.WriteJson(await handle.GetAsync(cancellationToken) ?? new Job { Id = handle.Id, Queue = handle.Queue, State = JobState.Queued });
        else run.WriteLine(Line(handle));
        await run.WarnUnservedAsync(queue, "; the job waits until one does", cancellationToken);
        return ExitStatus.Ok;
    }

    // Redis takes jobs of a queue that nobody serves yet; a silo knows its queues, and refuses others.
    private static async Task<JobHandle> EnqueueAsync(CommandRun run, IQueueClient queue, ReadOnlyMemory<byte> payload, EnqueueOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await queue.EnqueueRawAsync(payload, options, cancellationToken);
        }
        catch (ApiRefusal e) when (e.Code == "unknown_queue")
        {
            throw await run.UnknownQueueAsync(queue.Name, cancellationToken);
        }
    }

    private static string Line(JobHandle handle) => handle.Outcome switch
    {
        EnqueueOutcome.Existing => $"{handle.Queue} has the job {handle.Id} already",
        EnqueueOutcome.Cancelled => $"{handle.Queue} took the job {handle.Id}, which was cancelled before it came",
        _ => $"{handle.Queue} took the job {handle.Id}",
    };

    private static EnqueueOptions Options(ParseResult parsed) => new()
    {
        Id = parsed.GetValue(Id),
        SessionId = parsed.GetValue(Session),
        Priority = PriorityOf(parsed.GetValue(Priority)),
        MaxAttempts = parsed.GetValue(MaxAttempts),
        Timeout = TimeoutOf(parsed.GetValue(Timeout)),
        RunAt = TimeOf(parsed.GetValue(RunAt)),
        ReplyTo = parsed.GetValue(ReplyTo),
        DependsOn = parsed.GetValue(DependsOn)?.SelectMany(ids => ids.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).ToList(),
    };

    private static int? PriorityOf(string? text)
    {
        if (text is null) return null;
        return PriorityNames.Parse(text) ?? throw CommandException.BadUsage($"--priority is '{text}'; it must be high, normal, low, or 0 (first) to 9.");
    }

    private static TimeSpan? TimeoutOf(double? seconds)
    {
        if (seconds is null) return null;
        return seconds is >= PayloadReader.MinTimeoutSeconds and <= PayloadReader.MaxTimeoutSeconds ? TimeSpan.FromSeconds(seconds.Value)
            : throw CommandException.BadUsage(string.Create(CultureInfo.InvariantCulture, $"--timeout is {seconds}; it must be {PayloadReader.MinTimeoutSeconds} to {PayloadReader.MaxTimeoutSeconds} seconds."));
    }

    private static DateTimeOffset? TimeOf(string? text)
    {
        if (text is null) return null;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds * 1000 <= JobHeader.MaxTime)
        {
            return DateTimeOffset.FromUnixTimeMilliseconds((long)Math.Round(seconds * 1000));
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : throw CommandException.BadUsage($"--run-at is '{text}'; it must be a time in ISO 8601, such as 2030-01-31T12:00:00Z, or Unix seconds.");
    }
}
