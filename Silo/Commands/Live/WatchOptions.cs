using System.CommandLine;
using System.Globalization;

namespace Gristmill.Silo.Commands.Live;

/// <summary>The options of what can be watched: --watch, --every, --looks.</summary>
internal static class WatchOptions
{
    private const double ShortestPeriod = 0.1;
    private const double LongestPeriod = 3600;
    private const int MostLooks = 1_000_000;

    private static readonly Option<bool> Watch = new("--watch") { Description = "Shows it again and again, until Ctrl-C." };
    private static readonly Option<double?> Every = new("--every") { Description = "When watching: seconds between looks, 0.1 to 3600. Default: 1.", HelpName = "seconds" };
    private static readonly Option<int?> Looks = new("--looks") { Description = "When watching: ends after so many looks.", HelpName = "number" };

    /// <summary>Adds all of them.</summary>
    public static void AddTo(Command command)
    {
        command.Add(Watch);
        AddPaceTo(command);
    }

    /// <summary>Adds them to what watches without being asked.</summary>
    public static void AddPaceTo(Command command)
    {
        command.Add(Every);
        command.Add(Looks);
    }

    /// <summary>Whether it is to be watched.</summary>
    /// <exception cref="CommandException">The others are there without it.</exception>
    public static bool IsOn(CommandRun run)
    {
        if (run.Parsed.GetValue(Watch)) return true;
        return run.Parsed.GetValue(Every) is null && run.Parsed.GetValue(Looks) is null
            ? false
            : throw CommandException.BadUsage("--every and --looks go with --watch.");
    }

    /// <summary>The time between looks, and how many there are at most.</summary>
    /// <exception cref="CommandException">They are out of their bounds.</exception>
    public static (TimeSpan Every, int Looks) Pace(CommandRun run)
    {
        var (every, looks) = (run.Parsed.GetValue(Every) ?? 1, run.Parsed.GetValue(Looks) ?? int.MaxValue);
        if (every is not (>= ShortestPeriod and <= LongestPeriod))
        {
            throw CommandException.BadUsage(string.Create(CultureInfo.InvariantCulture, $"--every is {every}; it must be {ShortestPeriod} to {LongestPeriod} seconds."));
        }

        return looks is >= 1 and (<= MostLooks or int.MaxValue)
            ? (TimeSpan.FromSeconds(every), looks)
            : throw CommandException.BadUsage($"--looks is {looks}; it must be 1 to {MostLooks}.");
    }
}
