using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Gristmill.Client;
using Gristmill.Silo.Http;
using Gristmill.Store;

namespace Gristmill.Silo.Commands;

/// <summary><c>gristmill job show|watch|cancel|retry</c>; listing is in <see cref="JobListCommand"/>, watching in <see cref="JobWatchView"/>.</summary>
internal static class JobCommands
{
    private static readonly Argument<string> Queue = new("queue") { Description = "The queue." };
    private static readonly Argument<string> Id = new("id") { Description = "The job's id." };
    private static readonly Option<string?> Reason = new("--reason") { Description = "Why, for people." };

    // An id that is looked for in vain is looked for in so many others.
    private const int MostOtherQueues = 20;

    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var command = new Command("job", "Lists jobs; shows, follows, cancels or retries one.");
        command.Add(JobListCommand.Make(environment, globals));
        Add("show", "Shows a job.", ShowAsync);
        Add("watch", "Follows a job until it has its outcome; the exit status is 0 when it completed.", WatchAsync);
        Add("cancel", "Cancels a job.", CancelAsync, Reason);
        Add("retry", "Gives an ended job another life.", RetryAsync);
        return command;

        void Add(string name, string description, Func<CommandRun, CancellationToken, Task<int>> action, params Option[] options)
        {
            var child = new Command(name, description) { Queue, Id };
            foreach (var option in options) child.Add(option);
            child.SetAction(CommandRun.Action(environment, globals, action));
            command.Add(child);
        }
    }

    /// <summary>Writes a job for people.</summary>
    public static void Write(CommandRun run, Job job)
    {
        var sheet = new FactSheet();
        sheet.Add("job", $"{job.Queue}/{job.Id}");
        sheet.Add("state", JobStates.Name(job.State) + (job.Reason is null ? string.Empty : $" ({job.Reason})") + (job.CancelRequested ? ", to be cancelled" : string.Empty));
        sheet.Add("waits for", Wait(job.WaitingFor));
        sheet.Add("attempt", job.MaxAttempts is { } most ? string.Create(CultureInfo.InvariantCulture, $"{job.Attempt} of {most}") : job.Attempt.ToString(CultureInfo.InvariantCulture));
        sheet.Add("progress", job.Progress is { } progress ? JobWatchView.Describe(progress) : null);
        sheet.Add("session", job.SessionId);
        sheet.Add("enqueued", Plain.Time(job.EnqueuedAt));
        sheet.Add("started", job.StartedAt is null ? null : Plain.Time(job.StartedAt));
        sheet.Add("finished", job.FinishedAt is null ? null : Plain.Time(job.FinishedAt));
        sheet.Add("silo", job.Silo);
        sheet.Write(run);
        FactSheet.WriteErrors(run, job.Errors);
        if (job.Result is { } result) run.WriteLine($"result{Environment.NewLine}{JsonSerializer.Serialize(result, ApiJson.Indented)}");
    }

    private static string? Wait(JobWait? wait) => wait?.For switch
    {
        null => null,
        "time" => Plain.Time(wait.Until),
        "jobs" => $"the jobs {string.Join(", ", wait.Jobs ?? [])}",
        "session" => "the jobs of its session before it: gristmill sessions show says how far they are",
        "resume" => "the queue to be resumed",
        "silo" => "a silo: none serves the queue now",
        "model_loading" => "its model, which is being loaded",
        "memory" => "memory of a device, which other models hold: gristmill gpus shows them",
        "device_put_aside" => "a device: those that could do it are put aside, since they failed",
        "no_device" => "a device: none is large enough",
        _ => "its turn",
    };

    private static async Task<int> ShowAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var queue = run.Queue(Queue);
        var id = run.Parsed.GetRequiredValue(Id);
        var job = await queue.GetAsync(id, cancellationToken) ?? throw await UnknownAsync(run, queue, cancellationToken);
        if (run.IsJson) run.WriteJson(job);
        else Write(run, job);
        await RefusedJobs.WarnAsync(run, queue, id, cancellationToken);
        return ExitStatus.Ok;
    }

    private static async Task<int> WatchAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var queue = run.Queue(Queue);
        var id = run.Parsed.GetRequiredValue(Id);
        if (await queue.GetAsync(id, cancellationToken) is null) throw await UnknownAsync(run, queue, cancellationToken);
        var last = await JobWatchView.ShowAsync(run, queue.WatchAsync(id, cancellationToken));
        return last?.State == JobState.Completed ? ExitStatus.Ok : ExitStatus.Failed;
    }

    private static async Task<int> CancelAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var queue = run.Queue(Queue);
        var id = run.Parsed.GetRequiredValue(Id);
        // A mistyped queue would remember the wish for a job that never comes.
        await run.KnownAsync(queue, cancellationToken);
        var outcome = await queue.CancelAsync(id, run.Parsed.GetValue(Reason), cancellationToken);
        switch (outcome)
        {
            case CancelOutcome.Unknown:
                throw await UnknownAsync(run, queue, cancellationToken);
            case CancelOutcome.Ended:
                throw new CommandException($"The job {queue.Name}/{id} has its outcome already.", $"gristmill job show {queue.Name} {id}");
        }

        if (run.IsJson) run.WriteJson(new { outcome = outcome.ToString().ToLowerInvariant() });
        else run.WriteLine(Line(outcome, $"{queue.Name}/{id}"));
        return ExitStatus.Ok;
    }

    private static string Line(CancelOutcome outcome, string job) => outcome switch
    {
        CancelOutcome.Cancelled => $"{job} is cancelled",
        CancelOutcome.Requested => $"{job} runs; its silo was told to end it",
        _ => $"{job} has not come yet; it will be cancelled when it does",
    };

    private static async Task<int> RetryAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var queue = run.Queue(Queue);
        var id = run.Parsed.GetRequiredValue(Id);
        var outcome = await queue.RetryAsync(id, cancellationToken);
        if (outcome == RequeueOutcome.Unknown) throw await UnknownAsync(run, queue, cancellationToken);
        if (outcome == RequeueOutcome.Live) throw new CommandException($"The job {queue.Name}/{id} has not ended: it waits or runs.");
        if (run.IsJson) run.WriteJson(await queue.GetAsync(id, cancellationToken));
        else run.WriteLine($"{queue.Name}/{id} is ready again");
        return ExitStatus.Ok;
    }

    private static async Task<CommandException> UnknownAsync(CommandRun run, IQueueClient queue, CancellationToken cancellationToken)
    {
        await run.KnownAsync(queue, cancellationToken);
        var id = run.Parsed.GetRequiredValue(Id);
        await RefusedJobs.WarnAsync(run, queue, id, cancellationToken);
        return new CommandException(
            $"The queue '{queue.Name}' has no job '{id}': there was none, its record is no longer kept, or it was pushed to the list and not admitted yet.",
            await MeantAsync(run, queue, id, cancellationToken) ?? $"gristmill queues show {queue.Name}   shows what the queue has.");
    }

    // One of the newest jobs whose id is alike, or the same id in another queue.
    private static async Task<string?> MeantAsync(CommandRun run, IQueueClient queue, string id, CancellationToken cancellationToken)
    {
        if (Suggestion.OfId(id, (await queue.ListAsync(cancellationToken: cancellationToken)).Jobs.Select(j => j.Id)) is { } alike) return alike;
        foreach (var name in (await run.Client.ListQueuesAsync(cancellationToken)).Where(n => n != queue.Name).Take(MostOtherQueues))
        {
            if (await run.Client.Queue(name).GetAsync(id, cancellationToken) is not null) return $"The queue '{name}' has a job with this id: gristmill job show {name} {id}";
        }

        return null;
    }
}
