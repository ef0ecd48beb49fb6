using System.Globalization;
using Gristmill.Client;
using Gristmill.Silo.Commands.Live;
using Spectre.Console;

namespace Gristmill.Silo.Commands;

/// <summary>Queues as a table, or as lines.</summary>
internal static class QueueTable
{
    private static readonly string[] Spared = ["SCHEDULED", "DEFERRED", "RETRYING", "FINISHED", "SILOS", "LISTED", "STATE"];
    private static readonly string[] Columns = ["QUEUE", "STATE", "LISTED", "QUEUED", "RUNNING", "RETRYING", "SCHEDULED", "DEFERRED", "DEAD", "FINISHED", "OLDEST", "SILOS"];

    /// <summary>The queues, a row for each.</summary>
    public static Listing Of(IReadOnlyList<QueueInfo> queues)
    {
        var table = new Listing(Columns).Sparing(Spared);
        foreach (var queue in queues) table.AddRow([.. Cells(queue)]);
        return table;
    }

    /// <summary>The queues with their rates.</summary>
    public static Listing Of(QueueLook look)
    {
        var table = new Listing([.. Columns, "IN/S", "OUT/S"]).Sparing(Spared);
        foreach (var (queue, come, gone) in look.Queues) table.AddRow([.. Cells(queue), Plain.Cell(Rate(come)), Plain.Cell(Rate(gone))]);
        return table;
    }

    /// <summary>A line for each queue, that is read without a head.</summary>
    public static IEnumerable<string> Lines(QueueLook look) => look.Queues.Select(f => string.Create(
        CultureInfo.InvariantCulture,
        $"{f.Queue.Name} {f.Queue.State}  listed {Listed(f.Queue)}  queued {f.Queue.Counts.Queued}  running {f.Queue.Counts.Running}  retrying {f.Queue.Counts.Retrying}  dead {f.Queue.Counts.Dead}  in/s {Rate(f.InPerSecond)}  out/s {Rate(f.OutPerSecond)}  oldest {Plain.Span(f.Queue.OldestReadySeconds)}  silos {f.Queue.Silos.Count}"));

    private static IEnumerable<ListingCell> Cells(QueueInfo q) =>
    [
        Plain.Cell(q.Name), Plain.Cell(q.State, q.State == "open" ? Tone.Calm : Tone.Notice), Plain.Cell(Listed(q)), Plain.Cell(q.Counts.Queued),
        Plain.Cell(q.Counts.Running), Plain.Cell(q.Counts.Retrying), Plain.Cell(q.Counts.Scheduled), Plain.Cell(q.Counts.Deferred),
        Plain.Cell(q.Counts.Dead, q.Counts.Dead == 0 ? Tone.Calm : Tone.Alarm), Plain.Cell(q.Counts.Finished),
        Plain.Cell(Plain.Span(q.OldestReadySeconds)), Plain.Cell(q.Silos.Count, q.Silos.Count > 0 ? Tone.Calm : Tone.Notice),
    ];

    // Items that stand in the lists still; what is no list counts as a question.
    private static string Listed(QueueInfo queue) => queue.Lists.Any(l => l.Length is null)
        ? "?"
        : queue.Lists.Sum(l => l.Length ?? 0).ToString(CultureInfo.InvariantCulture);

    private static string Rate(double? perSecond) => perSecond is { } rate ? rate.ToString("0.0", CultureInfo.InvariantCulture) : "-";
}
