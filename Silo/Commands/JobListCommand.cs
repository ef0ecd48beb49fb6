using System.CommandLine;
using Gristmill.Client;
using Gristmill.Silo.Commands.Completion;
using Gristmill.Store;
using Spectre.Console;

namespace Gristmill.Silo.Commands;

/// <summary><c>gristmill job list asr --state running</c>: how to find a job whose id one does not know.</summary>
internal static class JobListCommand
{
    private static readonly string[] States = [.. Enum.GetValues<JobState>().Select(JobStates.Name)];
    private static readonly Argument<string> Queue = new("queue") { Description = "The queue." };
    private static readonly Option<string?> State = new Option<string?>("--state") { Description = $"Only those in this state: {string.Join(", ", States)}." }.Offering(States);
    private static readonly Option<int> Limit = new("--limit") { Description = "How many, 1 to 1000.", DefaultValueFactory = _ => 20 };
    private static readonly Option<string?> Cursor = new("--cursor") { Description = "Where the page before ended." };

    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var command = new Command("list", "Lists jobs, newest first.") { Queue, State, Limit, Cursor };
        command.SetAction(CommandRun.Action(environment, globals, RunAsync));
        return command;
    }

    private static async Task<int> RunAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var state = StateOf(run.Parsed.GetValue(State));
        var limit = run.Parsed.GetValue(Limit);
        if (limit is < 1 or > 1000) throw CommandException.BadUsage($"--limit is {limit}; it must be 1 to 1000.");
        var queue = run.Queue(Queue);
        await run.KnownAsync(queue, cancellationToken);
        var page = await PageAsync(queue, state, run.Parsed.GetValue(Cursor), limit, cancellationToken);
        if (run.IsJson)
        {
            run.WriteJson(page);
            return ExitStatus.Ok;
        }

        if (page.Jobs.Count == 0) run.WriteLine($"{queue.Name} has no {(state is { } of ? $"{JobStates.Name(of)} " : string.Empty)}jobs with a record; what still stands in its lists is in: gristmill queues show {queue.Name}");
        else Write(run, page.Jobs);
        if (page.Cursor is { } next) run.WriteLine($"more with --cursor {next}");
        return ExitStatus.Ok;
    }

    private static void Write(CommandRun run, IReadOnlyList<Job> jobs)
    {
        var table = new Listing("ID", "STATE", "ATTEMPT", "ENQUEUED", "STARTED", "FINISHED", "SESSION").Sparing("SESSION", "FINISHED", "STARTED", "ATTEMPT");
        foreach (var job in jobs)
        {
            var stateOf = JobStates.Name(job.State) + (job.Reason is null ? string.Empty : $" ({job.Reason})");
            table.AddRow(
                Plain.Cell(job.Id), Plain.Cell(stateOf), Plain.Cell(job.Attempt), Plain.Cell(Plain.Time(job.EnqueuedAt)),
                Plain.Cell(Plain.Time(job.StartedAt)), Plain.Cell(Plain.Time(job.FinishedAt)), Plain.Cell(job.SessionId ?? "-"));
        }

        run.Console.Write(table);
    }

    private static async Task<JobList> PageAsync(IQueueClient queue, JobState? state, string? cursor, int limit, CancellationToken cancellationToken)
    {
        try
        {
            return await queue.ListAsync(state, cursor, limit, cancellationToken);
        }
        catch (FormatException)
        {
            throw CommandException.BadUsage($"--cursor is '{cursor}'; it must be one that a list ended with.");
        }
    }

    private static JobState? StateOf(string? name)
    {
        if (name is null) return null;
        return JobStates.TryParse(name, out var state)
            ? state
            : throw CommandException.BadUsage($"--state is '{name}'; it must be one of {string.Join(", ", States)}.", Suggestion.Of(name, States));
    }
}
