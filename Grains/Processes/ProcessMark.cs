using System.Globalization;
using System.Text;

namespace Gristmill.Grains.Processes;

/// <summary>
/// Finds what a worker started, wherever it went: a variable in the worker's environment, which children inherit, and which
/// stays with them when they leave the process group (setsid, a daemon) and when their parents are gone. Signals to the group
/// do not reach these. A child that shall outlive its worker drops the variable: <c>env -u GRISTMILL_WORKER …</c>.
/// </summary>
internal sealed class ProcessMark
{
    /// <summary>The variable's name.</summary>
    public const string Variable = "GRISTMILL_WORKER";

    /// <summary>What is found may have started others before it was killed: looked for again until none is found, at most so often.</summary>
    public const int MaxRounds = 10;

    private readonly byte[] _entry;

    private ProcessMark(string value)
    {
        Value = value;
        _entry = Encoding.ASCII.GetBytes(Entry(value));
    }

    /// <summary>The variable's value.</summary>
    public string Value { get; }

    /// <summary>The mark of one worker; it begins with its guard's, which finds all of them.</summary>
    public static ProcessMark Of(string guard, long number) => new(string.Create(CultureInfo.InvariantCulture, $"{guard}{number}/"));

    /// <summary>What stands in the environment of who has a mark that begins like this.</summary>
    public static string Entry(string value) => $"{Variable}={value}";

    /// <summary>Kills every process that has the mark.</summary>
    /// <returns>How many there were.</returns>
    public int KillAll()
    {
        var killed = new HashSet<int>();
        for (var round = 0; round < MaxRounds; round++)
        {
            var found = Find();
            if (found.Count == 0)
            {
                break;
            }

            foreach (var id in found)
            {
                ProcessGroup.SignalOne(id, ProcessGroup.SigKill);
                killed.Add(id);
            }
        }

        return killed.Count;
    }

    // Those of other users cannot be read, and are not ours; a zombie has no environment.
    private List<int> Find()
    {
        List<int> found = [];
        try
        {
            foreach (var folder in Directory.EnumerateDirectories("/proc"))
            {
                if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && IsMarked(folder))
                {
                    found.Add(id);
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Without /proc nobody is found; the group has been killed in any case.
        }

        return found;
    }

    private bool IsMarked(string folder)
    {
        try
        {
            return File.ReadAllBytes(Path.Combine(folder, "environ")).AsSpan().IndexOf(_entry) >= 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
