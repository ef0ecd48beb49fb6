using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Gristmill.Testing;

/// <summary>Unix signals to processes that a test has started.</summary>
public static partial class Signals
{
    public const int Int = 2;
    public const int Kill = 9;
    public const int Term = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    /// <summary>Sends a signal; a process that is gone already is no error.</summary>
    /// <param name="processId">The process; more than 1.</param>
    /// <param name="signal">The signal's number on Linux.</param>
    public static void Send(int processId, int signal)
    {
        const int noSuchProcess = 3;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(processId, 1);
        if (SysKill(processId, signal) != 0 && Marshal.GetLastPInvokeError() is not noSuchProcess and var error)
        {
            throw new Win32Exception(error);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SysKill(int processId, int signal);
}
