using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Gristmill.Client;
using Gristmill.Silo.Commands.Completion;
using Gristmill.Silo.Http;
using Spectre.Console;

namespace Gristmill.Silo.Commands;

/// <summary><c>gristmill dead-letters list|show|requeue|purge</c></summary>
internal static class DeadLetterCommands
{
    // Each comes with its payload.
    private const int MostAlike = 50;

    private static readonly Argument<string> Queue = new("queue") { Description = "The queue." };
    private static readonly Argument<string> Id = new("id") { Description = "The job's id." };
    private static readonly Argument<string?> OptionalId = new("id") { Description = "The job's id; leave it out with --all or --reason.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<int> Limit = new("--limit") { Description = "How many, 1 to 1000.", DefaultValueFactory = _ => 20 };
    private static readonly Option<string?> Cursor = new("--cursor") { Description = "Where the page before ended." };
    private static readonly Option<bool> All = new("--all") { Description = "All of them." };
    private static readonly Option<string?> Reason = new Option<string?>("--reason") { Description = $"All with this reason: {string.Join(", ", DeadReasons.All)}." }.Offering(DeadReasons.All);
    private static readonly Option<string?> Payload = new("--payload") { Description = "The payload that replaces the job's: JSON, @file, or - for standard input." };

    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var command = new Command("dead-letters", "What could not be done: lists, shows, requeues or purges it.");
        Add(new Command("list", "Lists dead letters, newest first.") { Queue, Limit, Cursor }, ListAsync);
        Add(new Command("show", "Shows one with its errors and payload.") { Queue, Id }, ShowAsync);
        Add(new Command("requeue", "Makes one, or many, ready jobs again.") { Queue, OptionalId, All, Reason, Payload }, RequeueAsync);
        Add(new Command("purge", "Forgets one, or many, for good.") { Queue, OptionalId, All, Reason }, PurgeAsync);
        return command;

        void Add(Command child, Func<CommandRun, CancellationToken, Task<int>> action)
        {
            child.SetAction(CommandRun.Action(environment, globals, action));
            command.Add(child);
        }
    }

    private static async Task<int> ListAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var limit = run.Parsed.GetValue(Limit);
        if (limit is < 1 or > 1000) throw CommandException.BadUsage($"--limit is {limit}; it must be 1 to 1000.");
        var queue = run.Queue(Queue);
        var info = await run.KnownAsync(queue, cancellationToken);
        var page = await PageAsync(queue, run.Parsed.GetValue(Cursor), limit, cancellationToken);
        if (run.IsJson)
        {
            run.WriteJson(page);
            return ExitStatus.Ok;
        }

        if (page.DeadLetters.Count == 0)
        {
            run.WriteLine($"{queue.Name} has no dead letters");
            return ExitStatus.Ok;
        }

        var table = new Listing("ID", "REASON", "ATTEMPTS", "DIED", "BYTES", "ID IN PAYLOAD", "LAST ERROR").Sparing("ID IN PAYLOAD", "BYTES", "ATTEMPTS", "DIED").Cutting("LAST ERROR");
        foreach (var letter in page.DeadLetters)
        {
            table.AddRow(
                Plain.Cell(letter.Id), Plain.Cell(letter.Reason), Plain.Cell(letter.Attempts), Plain.Cell(Plain.Time(letter.DiedAt)),
                Plain.Cell(letter.PayloadBytes), Plain.Cell(letter.PayloadId ?? "-"), Plain.Cell(Short(letter.Errors.LastOrDefault()?.Message)));
        }

        run.Console.Write(table);
        if (page.Cursor is { } next) run.WriteLine($"{page.DeadLetters.Count} of {info.Counts.Dead}; more with --cursor {next}");
        return ExitStatus.Ok;
    }

    private static async Task<DeadLetterList> PageAsync(IQueueClient queue, string? cursor, int limit, CancellationToken cancellationToken)
    {
        try
        {
            return await queue.DeadLetters.ListAsync(cursor, limit, cancellationToken);
        }
        catch (FormatException)
        {
            throw CommandException.BadUsage($"--cursor is '{cursor}'; it must be one that a list ended with.");
        }
    }

    private static async Task<int> ShowAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var queue = run.Queue(Queue);
        var id = run.Parsed.GetRequiredValue(Id);
        var letter = await queue.DeadLetters.GetAsync(id, cancellationToken)
            ?? (await queue.DeadLetters.FindByPayloadIdAsync(id, cancellationToken)).FirstOrDefault()
            ?? throw await UnknownAsync(run, queue, id, cancellationToken);
        if (run.IsJson) run.WriteJson(letter);
        else Write(run, letter);
        return ExitStatus.Ok;
    }

    private static void Write(CommandRun run, DeadLetter letter)
    {
        var sheet = new FactSheet();
        sheet.Add("job", $"{letter.Queue}/{letter.Id}");
        sheet.Add("id in payload", letter.PayloadId);
        sheet.Add("reason", letter.Reason);
        sheet.Add("attempts", letter.Attempts.ToString(CultureInfo.InvariantCulture));
        sheet.Add("session", letter.SessionId);
        sheet.Add("enqueued", Plain.Time(letter.EnqueuedAt));
        sheet.Add("died", Plain.Time(letter.DiedAt));
        sheet.Write(run);
        FactSheet.WriteErrors(run, letter.Errors);
        run.WriteLine($"payload, {letter.PayloadBytes} bytes{(letter.PayloadBase64 is null ? string.Empty : ", in base64")}");
        run.WriteLine(letter.PayloadBase64 ?? JsonSerializer.Serialize(letter.Payload, ApiJson.Indented));
    }

    private static async Task<int> RequeueAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var queue = run.Queue(Queue);
        if (Single(run) is not { } id)
        {
            if (run.Parsed.GetValue(Payload) is not null) throw CommandException.BadUsage("--payload goes with one id.");
            var filter = Filter(run);
            await run.KnownAsync(queue, cancellationToken);
            var count = await queue.DeadLetters.RequeueAllAsync(filter, cancellationToken);
            return Done(run, new { requeued = count }, $"{count} dead letters of {queue.Name} are ready again");
        }

        var payload = run.Parsed.GetValue(Payload) is { } given ? await PayloadSource.ReadAsync(given, run.Environment, cancellationToken) : (ReadOnlyMemory<byte>?)null;
        return await queue.DeadLetters.RequeueAsync(id, payload, cancellationToken) switch
        {
            RequeueOutcome.Requeued => Done(run, new { requeued = 1 }, $"{queue.Name}/{id} is ready again"),
            RequeueOutcome.Live => throw new CommandException($"The job {queue.Name}/{id} is no dead letter: it waits or runs."),
            _ => throw await UnknownAsync(run, queue, id, cancellationToken),
        };
    }

    private static async Task<int> PurgeAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var queue = run.Queue(Queue);
        if (Single(run) is not { } id)
        {
            var filter = Filter(run);
            await run.KnownAsync(queue, cancellationToken);
            var count = await queue.DeadLetters.PurgeAllAsync(filter, cancellationToken);
            return Done(run, new { purged = count }, $"{count} dead letters of {queue.Name} are gone");
        }

        if (!await queue.DeadLetters.PurgeAsync(id, cancellationToken)) throw await UnknownAsync(run, queue, id, cancellationToken);
        return Done(run, new { purged = 1 }, $"{queue.Name}/{id} is gone");
    }

    // One id, or null for many; never many by leaving something out.
    private static string? Single(CommandRun run)
    {
        var id = run.Parsed.GetValue(OptionalId);
        var many = run.Parsed.GetValue(All) || run.Parsed.GetValue(Reason) is not null;
        if (id is null == many) return id;
        throw CommandException.BadUsage(id is null ? "Which? Give an id, --all, or --reason." : "Give either an id or --all or --reason, not both.");
    }

    private static DeadLetterFilter Filter(CommandRun run)
    {
        var reason = run.Parsed.GetValue(Reason);
        return reason is null || DeadReasons.All.Contains(reason)
            ? new DeadLetterFilter { Reason = reason }
            : throw CommandException.BadUsage(
                $"--reason is '{reason}'; it must be one of {string.Join(", ", DeadReasons.All)}.", Suggestion.Of(reason, DeadReasons.All));
    }

    private static int Done<T>(CommandRun run, T json, string line)
    {
        if (run.IsJson) run.WriteJson(json);
        else run.WriteLine(line);
        return ExitStatus.Ok;
    }

    private static async Task<CommandException> UnknownAsync(CommandRun run, IQueueClient queue, string id, CancellationToken cancellationToken)
    {
        await run.KnownAsync(queue, cancellationToken);
        await RefusedJobs.WarnAsync(run, queue, id, cancellationToken);
        var newest = await queue.DeadLetters.ListAsync(limit: MostAlike, cancellationToken: cancellationToken);
        return new CommandException(
            $"The queue '{queue.Name}' has no dead letter '{id}'.",
            Suggestion.OfId(id, newest.DeadLetters.Select(d => d.Id)) ?? $"gristmill dead-letters list {queue.Name}   shows those that there are.");
    }

    // The first line, and not all of that.
    private static string? Short(string? text)
    {
        var line = text?.ReplaceLineEndings("\n").Split('\n', 2)[0];
        return line is { Length: > 80 } ? line[..79] + "…" : line;
    }
}
