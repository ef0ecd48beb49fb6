using System.Globalization;
using Gristmill.Client;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Gristmill.Silo.Commands;

/// <summary>Silos as a table, or as lines.</summary>
internal static class SiloTable
{
    /// <summary>The silos, a row for each.</summary>
    public static Listing Of(IReadOnlyList<SiloInfo> silos, DateTimeOffset now)
    {
        var table = new Listing("SILO", "ID", "STATE", "RUNNING", "CAPACITY", "COMPLETED", "DEAD", "QUEUES", "LABELS", "VERSION", "ENGINE", "HOST", "PID", "AGE", "HEARD")
            .Sparing("LABELS", "ENGINE", "HOST", "PID", "VERSION", "COMPLETED", "DEAD", "AGE", "ID", "HEARD").Cutting("QUEUES");
        foreach (var s in silos)
        {
            table.AddRow(
                Plain.Cell(s.Name), Plain.Cell(s.Id[..Math.Min(6, s.Id.Length)]), Plain.Cell(s.State, ToneOf(s.State)),
                Plain.Cell(Running(s)), Plain.Cell(Capacity(s)), Plain.Cell(s.Completed), Plain.Cell(s.Dead),
                Plain.Cell(string.Join(" ", s.Queues.Select(q => q.Trouble is null ? q.Name : $"{q.Name}!"))), Plain.Cell(string.Join(" ", s.Labels)),
                Plain.Cell(s.Version), Plain.Cell(s.Engine), Plain.Cell(s.Host), Plain.Cell(s.Pid),
                Plain.Cell(Plain.Span(Math.Max(0, (now - s.StartedAt).TotalSeconds))), Plain.Cell(Heard(s)));
        }

        return table;
    }

    /// <summary>The table, and below it the troubles.</summary>
    public static IRenderable Picture(IReadOnlyList<SiloInfo> silos, DateTimeOffset now) =>
        new Rows([Of(silos, now), .. Troubles(silos).Select(t => Plain.Line(t, Tone.Alarm))]);

    /// <summary>Why queues take no work, a line each.</summary>
    public static IEnumerable<string> Troubles(IReadOnlyList<SiloInfo> silos) => silos
        .Where(s => s.State != "lost")
        .SelectMany(s => s.Queues.Where(q => q.Trouble is not null).Select(q => $"{s.Name}, queue {q.Name}: {q.Trouble}"));

    /// <summary>A line for each silo, that is read without a head.</summary>
    public static IEnumerable<string> Lines(IReadOnlyList<SiloInfo> silos) => silos.Select(s => string.Create(
        CultureInfo.InvariantCulture,
        $"{s.Name} {s.State}  running {Running(s)} of {Capacity(s)}  completed {s.Completed}  dead {s.Dead}  queues {s.Queues.Count}  troubles {s.Queues.Count(q => q.Trouble is not null)}  heard {Heard(s)}"));

    private static long Running(SiloInfo silo) => silo.Queues.Sum(q => q.Running);

    private static long Capacity(SiloInfo silo) => silo.Queues.Sum(q => q.Capacity);

    private static Tone ToneOf(string state) => state switch
    {
        "running" => Tone.Good,
        "lost" => Tone.Alarm,
        _ => Tone.Notice,
    };

    private static string Heard(SiloInfo silo) => silo.State == "lost" ? $"{Plain.Span(silo.HeardSecondsAgo)} ago" : "now";
}
