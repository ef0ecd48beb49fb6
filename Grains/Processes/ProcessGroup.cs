using System.Globalization;
using System.Runtime.InteropServices;

namespace Gristmill.Grains.Processes;

/// <summary>What .NET's Process lacks: signals, also to a whole group, and the resident memory of another process.</summary>
internal static class ProcessGroup
{
    public const int SigKill = 9;
    public const int SigTerm = 15;

    /// <summary>The shell's exit status of a process that was ended by SIGKILL; .NET reports signals the same way.</summary>
    public const int KilledExitCode = 128 + SigKill;

    /// <summary>The same of a process that was ended by SIGTERM, since it does not listen to it, or not yet.</summary>
    public const int TerminatedExitCode = 128 + SigTerm;

    /// <summary>Signals every process of the group; a group that is gone is no error.</summary>
    public static void Signal(int groupId, int signal)
    {
        // 0 and 1 would mean this process's own group and everything.
        if (groupId > 1)
        {
            _ = kill(-groupId, signal);
        }
    }

    /// <summary>Signals one process; one that is gone is no error.</summary>
    public static void SignalOne(int processId, int signal)
    {
        if (processId > 1)
        {
            _ = kill(processId, signal);
        }
    }

    /// <summary>Resident bytes of a process (the second field of /proc/PID/statm, in pages); 0 when it is gone.</summary>
    public static long ResidentBytes(int processId)
    {
        try
        {
            var fields = File.ReadAllText($"/proc/{processId}/statm").Split(' ');
            return long.Parse(fields[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int processId, int signal);
}
