using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Gristmill.Client;
using Gristmill.Silo.Commands.Live;
using Gristmill.Silo.Http;
using Gristmill.Store;
using Spectre.Console;

namespace Gristmill.Silo.Commands;

/// <summary><c>gristmill sessions list|show|watch|end|cancel</c></summary>
internal static class SessionCommands
{
    private const int ResultWidth = 80;
    private static readonly Argument<string> Queue = new("queue") { Description = "The queue." };
    private static readonly Argument<string> Id = new("id") { Description = "The session's id." };
    private static readonly Option<int> Limit = new("--limit") { Description = "About how many, 1 to 1000.", DefaultValueFactory = _ => 20 };
    private static readonly Option<string?> Cursor = new("--cursor") { Description = "Where the page before ended." };

    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var command = new Command("sessions", "Jobs that belong together: lists sessions; shows, follows, ends or cancels one.");
        var list = new Command("list", "Lists sessions.") { Queue, Limit, Cursor };
        WatchOptions.AddTo(list);
        Add(list, ListAsync);
        Add(new Command("show", "Shows one with its jobs in order and their results.") { Queue, Id, Limit, Cursor }, ShowAsync);
        var watch = new Command("watch", "Follows one until it is over; the exit status is 0 when it completed.") { Queue, Id };
        WatchOptions.AddPaceTo(watch);
        Add(watch, WatchAsync);
        Add(new Command("end", "Ends one: what has come is worked off.") { Queue, Id }, EndAsync);
        Add(new Command("cancel", "Cancels one with all that it holds.") { Queue, Id }, CancelAsync);
        return command;

        void Add(Command child, Func<CommandRun, CancellationToken, Task<int>> action)
        {
            child.SetAction(CommandRun.Action(environment, globals, action));
            command.Add(child);
        }
    }

    private static async Task<int> ListAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var queue = run.Queue(Queue);
        var isWatched = WatchOptions.IsOn(run);
        await run.KnownAsync(queue, cancellationToken);
        if (isWatched) return await WatchListAsync(run, queue, cancellationToken);
        var page = await ListPageAsync(run, queue, cancellationToken);
        if (run.IsJson)
        {
            run.WriteJson(page);
            return ExitStatus.Ok;
        }

        if (page.Sessions.Count == 0) run.WriteLine($"{queue.Name} has no sessions");
        else run.Console.Write(SessionTable.Of(page.Sessions));
        if (page.Cursor is { } next) run.WriteLine($"more with --cursor {next}");
        return ExitStatus.Ok;
    }

    private static async Task<int> WatchListAsync(CommandRun run, IQueueClient queue, CancellationToken cancellationToken)
    {
        var none = $"{queue.Name} has no sessions";
        var view = new LiveView<SessionList>(
            run,
            (_, stop) => ListPageAsync(run, queue, stop),
            page => page.Sessions.Count == 0 ? Plain.Line(none) : SessionTable.Of(page.Sessions),
            page => page.Sessions.Count == 0 ? [none] : page.Sessions.Select(SessionTable.Line),
            page => new { at = run.Environment.Clock.GetUtcNow(), sessions = page.Sessions, cursor = page.Cursor });
        await view.RunAsync(cancellationToken);
        return ExitStatus.Ok;
    }

    private static Task<SessionList> ListPageAsync(CommandRun run, IQueueClient queue, CancellationToken cancellationToken) =>
        PageAsync(run, (cursor, limit) => queue.Sessions.ListAsync(cursor, limit, cancellationToken));

    private static async Task<int> WatchAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var queue = run.Queue(Queue);
        var id = run.Parsed.GetRequiredValue(Id);
        var view = new LiveView<Session>(
            run,
            async (before, stop) => await queue.Sessions.GetAsync(id, stop) ?? (before is null ? throw await UnknownAsync(run, queue, stop) : throw Forgotten(queue, id)),
            SessionTable.Picture,
            session => [SessionTable.Line(session)],
            session => new { at = run.Environment.Clock.GetUtcNow(), session })
        {
            IsLast = session => IsOver(session.State),
        };
        var last = await view.RunAsync(cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        return last.State == "completed" ? ExitStatus.Ok : ExitStatus.Failed;
    }

    private static bool IsOver(string state) => state is "completed" or "failed" or "cancelled";

    private static CommandException Forgotten(IQueueClient queue, string id) => new($"The session '{id}' of the queue '{queue.Name}' is over and forgotten by now.");

    private static async Task<int> ShowAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var queue = run.Queue(Queue);
        var id = run.Parsed.GetRequiredValue(Id);
        var session = await queue.Sessions.GetAsync(id, cancellationToken) ?? throw await UnknownAsync(run, queue, cancellationToken);
        var jobs = await PageAsync(run, (cursor, limit) => queue.Sessions.JobsAsync(id, cursor, limit, cancellationToken));
        if (run.IsJson)
        {
            run.WriteJson(new { session, jobs = jobs.Jobs, cursor = jobs.Cursor });
            return ExitStatus.Ok;
        }

        var sheet = new FactSheet();
        sheet.Add("session", $"{session.Queue}/{session.Id}");
        sheet.Add("state", session.State + (session.HeldBy > 0 ? string.Create(CultureInfo.InvariantCulture, $", held by {Plain.Count(session.HeldBy, "dead letter")}: gristmill dead-letters list {session.Queue}") : string.Empty));
        sheet.Add("done", SessionTable.Done(session) + (SessionTable.Percent(session) is { } percent ? $", {percent}" : string.Empty));
        sheet.Add("failed", Some(session.Failed));
        sheet.Add("cancelled", Some(session.Cancelled));
        sheet.Add("missing", Some(session.Missing));
        sheet.Add("active", Some(session.Active));
        sheet.Add("waiting", Some(session.Waiting));
        sheet.Add("opened", Plain.Time(session.OpenedAt));
        sheet.Add("changed", Plain.Time(session.ChangedAt));
        sheet.Write(run);
        if (jobs.Jobs.Count == 0) return ExitStatus.Ok;
        var table = new Listing("ORDER", "JOB", "STATE", "RESULT").Cutting("RESULT");
        foreach (var job in jobs.Jobs)
        {
            var result = job.Result is { } value ? JsonSerializer.Serialize(value, ApiJson.Options) : "-";
            table.AddRow(Plain.Cell(job.Order), Plain.Cell(job.Id), Plain.Cell(JobStates.Name(job.State)), Plain.Cell(result.Length > ResultWidth ? result[..ResultWidth] + "…" : result));
        }

        run.Console.Write(table);
        if (jobs.Cursor is { } next) run.WriteLine($"more with --cursor {next}");
        return ExitStatus.Ok;
    }

    private static Task<int> EndAsync(CommandRun run, CancellationToken cancellationToken) =>
        MoveAsync(run, (s, id) => s.EndAsync(id, cancellationToken), "is ended: what has come is worked off", cancellationToken);

    private static Task<int> CancelAsync(CommandRun run, CancellationToken cancellationToken) =>
        MoveAsync(run, (s, id) => s.CancelAsync(id, cancellationToken), "is being cancelled, by a silo of the queue", cancellationToken);

    private static async Task<int> MoveAsync(CommandRun run, Func<ISessions, string, Task<SessionVerdict>> move, string done, CancellationToken cancellationToken)
    {
        var queue = run.Queue(Queue);
        var id = run.Parsed.GetRequiredValue(Id);
        var verdict = await move(queue.Sessions, id);
        if (verdict == SessionVerdict.Unknown) throw await UnknownAsync(run, queue, cancellationToken);
        if (run.IsJson) run.WriteJson(new { outcome = verdict.ToString().ToLowerInvariant() });
        else run.WriteLine(verdict == SessionVerdict.Accepted ? $"{queue.Name}/{id} {done}" : $"{queue.Name}/{id} is over already, or on its way to another end");
        return verdict == SessionVerdict.Accepted ? ExitStatus.Ok : ExitStatus.Failed;
    }

    private static async Task<T> PageAsync<T>(CommandRun run, Func<string?, int, Task<T>> read)
    {
        var (cursor, limit) = (run.Parsed.GetValue(Cursor), run.Parsed.GetValue(Limit));
        if (limit is < 1 or > 1000) throw CommandException.BadUsage($"--limit is {limit}; it must be 1 to 1000.");
        try
        {
            return await read(cursor, limit);
        }
        catch (FormatException)
        {
            throw CommandException.BadUsage($"--cursor is '{cursor}'; it must be one that a list ended with.");
        }
    }

    private static async Task<CommandException> UnknownAsync(CommandRun run, IQueueClient queue, CancellationToken cancellationToken)
    {
        await run.KnownAsync(queue, cancellationToken);
        return new CommandException(
            $"The queue '{queue.Name}' has no session '{run.Parsed.GetRequiredValue(Id)}': none of its jobs named it, or it is forgotten by now.",
            await MeantAsync(queue, run.Parsed.GetRequiredValue(Id), cancellationToken) ?? $"gristmill sessions list {queue.Name}   shows those that there are; a queue has some when its option Sessions is set.");
    }

    private static async Task<string?> MeantAsync(IQueueClient queue, string id, CancellationToken cancellationToken) =>
        Suggestion.OfId(id, (await queue.Sessions.ListAsync(cancellationToken: cancellationToken)).Sessions.Select(s => s.Id));

    private static string? Some(long number) => number == 0 ? null : number.ToString(CultureInfo.InvariantCulture);
}
