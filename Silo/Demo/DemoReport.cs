using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Gristmill.Silo.Demo;

/// <summary>Shows the demo's outcome: tables for people, one object for scripts.</summary>
internal static class DemoReport
{
    public static void Print(IAnsiConsole console, DemoSummary summary, bool json)
    {
        if (json)
        {
            console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(
                new
                {
                    completed = summary.Queues.Sum(q => q.Completed),
                    retried = summary.Queues.Sum(q => q.Retried),
                    dead = summary.Queues.Sum(q => q.Dead),
                    seconds = Math.Round(summary.Seconds, 2),
                    asExpected = summary.AsExpected,
                    sessions = summary.Sessions,
                    queues = summary.Queues,
                },
                JsonSerializerOptions.Web));
            return;
        }

        console.Write(Sessions(summary));
        console.Write(Queues(summary));
        console.MarkupLine(summary.AsExpected
            ? $"[green]Every job ended as it should[/], in {summary.Seconds.ToString("0.0", CultureInfo.InvariantCulture)} s."
            : "[red]Not every job ended as it should.[/] The store is kept in ./.gristmill/demo.");
        console.WriteLine("One chunk came before its recording was uploaded: it failed twice and was retried.");
        console.WriteLine("One was cut off in the middle of its JSON, and one names a file that is no recording:");
        console.WriteLine("both are dead letters, with their raw bytes and the reason.");
        console.WriteLine();
        console.WriteLine("To go on, start a silo on a list of your own, and look at it from another terminal:");
        console.WriteLine("  gristmill silo --queue asr --list asr_chunk_queue --worker 'python3 worker.py'");
        console.WriteLine("  gristmill queues");
        console.WriteLine("  gristmill dead-letters list asr");
        console.WriteLine("  gristmill job watch asr <id>");
    }

    private static Table Sessions(DemoSummary summary)
    {
        var table = new Table().Title("Sessions").AddColumns("session", "chunks", "segments", "speech", "loudness", "pitch", "words");
        for (var i = 1; i < 7; i++) table.Columns[i].RightAligned();
        foreach (var row in summary.Sessions)
        {
            table.AddRow(
                Markup.Escape(row.Session), Text(row.Chunks), Text(row.Segments), Text(row.SpeechSeconds, "0.0 s"),
                Text(row.LoudnessLufs, "0.0 LUFS"), Text(row.PitchHz, "0 Hz"), Text(row.Words));
        }

        return table;
    }

    private static Table Queues(DemoSummary summary)
    {
        var table = new Table().Title("Queues").AddColumns("queue", "completed", "retried", "dead");
        for (var i = 1; i < 4; i++) table.Columns[i].RightAligned();
        foreach (var row in summary.Queues) table.AddRow(row.Queue, Text(row.Completed), Text(row.Retried), Text(row.Dead));
        return table;
    }

    private static string Text(double? value, string format = "0") =>
        value is { } number ? number.ToString(format.Replace("s", "'s'", StringComparison.Ordinal).Replace("LUFS", "'LUFS'", StringComparison.Ordinal).Replace("Hz", "'Hz'", StringComparison.Ordinal), CultureInfo.InvariantCulture) : "–";
}
