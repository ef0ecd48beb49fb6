using System.Globalization;
using Gristmill.Client;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Gristmill.Silo.Commands;

/// <summary>Sessions as a table, as lines, and one of them with a bar.</summary>
internal static class SessionTable
{
    private const int BarWidth = 40;

    /// <summary>The sessions, a row for each.</summary>
    public static Listing Of(IReadOnlyList<Session> sessions)
    {
        var table = new Listing("ID", "STATE", "DONE", "PERCENT", "WAITING", "ACTIVE", "FAILED", "MISSING", "CHANGED").Sparing("MISSING", "PERCENT", "CHANGED", "WAITING", "ACTIVE").Cutting("ID");
        foreach (var session in sessions)
        {
            table.AddRow(
                Plain.Cell(session.Id), Plain.Cell(session.State, ToneOf(session.State)), Plain.Cell(Done(session)), Plain.Cell(Percent(session) ?? "-"), Plain.Cell(session.Waiting),
                Plain.Cell(session.Active), Plain.Cell(session.Failed, session.Failed == 0 ? Tone.Calm : Tone.Alarm), Plain.Cell(session.Missing), Plain.Cell(Plain.Time(session.ChangedAt)));
        }

        return table;
    }

    /// <summary>One session, that is read without a head.</summary>
    public static string Line(Session session) => string.Create(
        CultureInfo.InvariantCulture,
        $"{session.Id} {session.State}  done {Done(session)}{(Percent(session) is { } percent ? $", {percent}" : string.Empty)}  waiting {session.Waiting}  active {session.Active}  failed {session.Failed}  missing {session.Missing}");

    /// <summary>One session with a bar where its total is known.</summary>
    public static IRenderable Picture(Session session)
    {
        var line = Plain.Line(Line(session), ToneOf(session.State));
        if (session.Percent is not { } percent) return line;
        var full = (int)Math.Round(BarWidth * Math.Clamp(percent, 0, 100) / 100);
        return new Rows(Plain.Line(new string('━', full) + new string('╌', BarWidth - full)), line);
    }

    /// <summary>"3 of 20", or "3 of 5 so far".</summary>
    public static string Done(Session session) => session.Total is { } total
        ? string.Create(CultureInfo.InvariantCulture, $"{session.Done} of {total}")
        : string.Create(CultureInfo.InvariantCulture, $"{session.Done} of {session.Arrived} so far");

    /// <summary>"15 %"; null while the total is not known.</summary>
    public static string? Percent(Session session) => session.Percent is { } percent ? string.Create(CultureInfo.InvariantCulture, $"{percent:0.#} %") : null;

    private static Tone ToneOf(string state) => state switch
    {
        "completed" => Tone.Good,
        "failed" or "failing" => Tone.Alarm,
        "cancelled" or "cancelling" => Tone.Notice,
        _ => Tone.Calm,
    };
}
