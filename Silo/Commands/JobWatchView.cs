using System.Globalization;
using Gristmill.Client;
using Gristmill.Silo.Commands.Live;
using Gristmill.Store;
using Spectre.Console;

namespace Gristmill.Silo.Commands;

/// <summary>
/// Shows a job while it goes on, with its rate and the time that remains: a bar on a terminal, lines elsewhere, lines of JSON
/// for scripts.
/// </summary>
internal static class JobWatchView
{
    /// <summary>Shows the events and returns the job as it was last.</summary>
    public static async Task<Job?> ShowAsync(CommandRun run, IAsyncEnumerable<JobEvent> events)
    {
        var pace = new ProgressPace(run.Environment.Clock);
        if (run.IsJson) return await LinesAsync(events, pace, e => run.WriteJsonLine(Json(e, pace)));
        var last = run.Environment.IsTerminal ? await BarAsync(run, events, pace) : await LinesAsync(events, pace, e => run.WriteLine(Line(e, pace)));
        if (last is not null) JobCommands.Write(run, last);
        return last;
    }

    /// <summary>3 of 10 (30 %): third</summary>
    public static string Describe(JobProgress progress, string? pace = null)
    {
        var culture = CultureInfo.InvariantCulture;
        var amount = progress.Percent is { } percent
            ? string.Create(culture, $"{progress.Done} of {progress.Total} ({percent:0.#} %)")
            : progress.Done.ToString(culture);
        if (pace is not null) amount = $"{amount}, {pace}";
        return progress.Message is null ? amount : $"{amount}: {progress.Message}";
    }

    private static object Json(JobEvent happened, ProgressPace pace) => happened.Kind == JobEventKind.Progress
        ? new { @event = "progress", job = happened.Job, ratePerSecond = Rounded(pace.PerSecond), remainingSeconds = Rounded(pace.Remaining) }
        : new { @event = "state", job = happened.Job };

    private static double? Rounded(double? value) => value is { } number ? Math.Round(number, 3) : null;

    private static string Line(JobEvent happened, ProgressPace pace)
    {
        var job = happened.Job;
        if (happened.Kind == JobEventKind.Progress) return $"progress {Describe(job.Progress!, pace.ToString())}";
        return job.State == JobState.Running ? $"running, attempt {job.Attempt} on {job.Silo}" : JobStates.Name(job.State);
    }

    private static async Task<Job?> LinesAsync(IAsyncEnumerable<JobEvent> events, ProgressPace pace, Action<JobEvent> write)
    {
        Job? last = null;
        await foreach (var happened in events)
        {
            Measure(happened, pace);
            write(happened);
            last = happened.Job;
        }

        return last;
    }

    private static void Measure(JobEvent happened, ProgressPace pace)
    {
        if (happened.Job.State == JobState.Running && happened.Progress is { } progress) pace.Report(happened.Job.Attempt, progress);
    }

    private static async Task<Job?> BarAsync(CommandRun run, IAsyncEnumerable<JobEvent> events, ProgressPace pace)
    {
        Job? last = null;
        await run.Environment.MakeConsole(moving: true).Progress()
            .Columns(new SpinnerColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(async bar =>
            {
                var task = bar.AddTask("waiting");
                await foreach (var happened in events)
                {
                    last = happened.Job;
                    Measure(happened, pace);
                    task.Description = Markup.Escape(Plain.Text(Beside(last, pace)).ReplaceLineEndings(" "));
                    task.IsIndeterminate = happened.Progress?.Percent is null && !last.IsFinished;
                    task.Value = last.State == JobState.Completed ? task.MaxValue : happened.Progress?.Percent ?? 0;
                }
            });
        return last;
    }

    // What stands beside the bar: how fast, and what the handler said.
    private static string Beside(Job job, ProgressPace pace)
    {
        var said = job.State == JobState.Running && job.Progress is { } progress
            ? progress.Message ?? string.Create(CultureInfo.InvariantCulture, $"{progress.Done}{(progress.Total > 0 ? $" of {progress.Total}" : string.Empty)}")
            : Line(new JobEvent(JobEventKind.State, job), pace);
        return job.State == JobState.Running && pace.ToString() is { } speed ? $"{speed}: {said}" : said;
    }
}
