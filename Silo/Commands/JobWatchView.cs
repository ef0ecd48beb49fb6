using System.Globalization;
using Gristmill.Client;
using Gristmill.Store;
using Spectre.Console;

namespace Gristmill.Silo.Commands;

/// <summary>Shows a job while it goes on: a bar on a terminal, lines elsewhere, lines of JSON for scripts.</summary>
internal static class JobWatchView
{
    /// <summary>Shows the events and returns the job as it was last.</summary>
    public static async Task<Job?> ShowAsync(CommandRun run, IAsyncEnumerable<JobEvent> events)
    {
        if (run.IsJson) return await LinesAsync(events, e => run.WriteJsonLine(new { @event = e.Kind == JobEventKind.Progress ? "progress" : "state", job = e.Job }));
        var last = run.Environment.IsTerminal ? await BarAsync(run, events) : await LinesAsync(events, e => run.WriteLine(Line(e)));
        if (last is not null) JobCommands.Write(run, last);
        return last;
    }

    /// <summary>3 of 10 (30 %): third</summary>
    public static string Describe(JobProgress progress)
    {
        var culture = CultureInfo.InvariantCulture;
        var amount = progress.Percent is { } percent
            ? string.Create(culture, $"{progress.Done} of {progress.Total} ({percent:0.#} %)")
            : progress.Done.ToString(culture);
        return progress.Message is null ? amount : $"{amount}: {progress.Message}";
    }

    private static string Line(JobEvent happened)
    {
        var job = happened.Job;
        if (happened.Kind == JobEventKind.Progress) return $"progress {Describe(job.Progress!)}";
        return job.State == JobState.Running ? $"running, attempt {job.Attempt} on {job.Silo}" : JobStates.Name(job.State);
    }

    private static async Task<Job?> LinesAsync(IAsyncEnumerable<JobEvent> events, Action<JobEvent> write)
    {
        Job? last = null;
        await foreach (var happened in events)
        {
            write(happened);
            last = happened.Job;
        }

        return last;
    }

    private static async Task<Job?> BarAsync(CommandRun run, IAsyncEnumerable<JobEvent> events)
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
                    task.Description = Markup.Escape(Plain.Text(happened.Progress?.Message ?? Line(new JobEvent(JobEventKind.State, last))).ReplaceLineEndings(" "));
                    task.IsIndeterminate = happened.Progress?.Percent is null && !last.IsFinished;
                    task.Value = last.State == JobState.Completed ? task.MaxValue : happened.Progress?.Percent ?? 0;
                }
            });
        return last;
    }
}
