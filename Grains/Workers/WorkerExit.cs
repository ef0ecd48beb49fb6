using System.Globalization;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Processes;

namespace Gristmill.Grains.Workers;

/// <summary>Why the supervisor ended a worker; None where it did not.</summary>
internal enum WorkerEnd
{
    None = 0,
    Cancelled,
    Recycled,

    /// <summary>Its device was wanted by another queue, or put aside.</summary>
    Evicted,
    Stopped,
    MemoryLimit,
    StartupTimeout,
    WrongProtocol,
    HeartbeatLost,
    Stalled,
    TooMuchGarbage,
    LineTooLong,
    StdoutClosed,
    StdinClosed,
    ReaderFault,
}

/// <summary>What a worker's end means: a pure function of why it was ended, its exit status and its job.</summary>
internal static class WorkerExit
{
    /// <summary>
    /// An end that was wanted: the next process starts at once. One that had to be replaced before it did any job is
    /// not: its successor would fare the same, again and again.
    /// </summary>
    public static bool IsOrderly(WorkerEnd end, int jobsDone) =>
        end is WorkerEnd.Cancelled or WorkerEnd.Stopped or WorkerEnd.Evicted ||
        (jobsDone > 0 && end is (WorkerEnd.Recycled or WorkerEnd.MemoryLimit));

    /// <summary>The outcome of the job that the worker was running.</summary>
    public static AttemptResult OutcomeOfJob(
        WorkerEnd end, int exitCode, bool cancelRequested, long residentBytes, WorkerOptions options, string? stderr)
    {
        if (end == WorkerEnd.MemoryLimit)
        {
            return Failure(
                AttemptErrorKind.OutOfMemory,
                $"The worker used {residentBytes} bytes of memory, more than MemoryLimitBytes ({options.MemoryLimitBytes}).",
                stderr);
        }

        if (cancelRequested)
        {
            return AttemptResult.Cancelled.Instance;
        }

        return end == WorkerEnd.None && exitCode == ProcessGroup.KilledExitCode
            ? Failure(
                AttemptErrorKind.OutOfMemory,
                "The worker was killed by SIGKILL, not by Gristmill: most likely by the kernel, out of memory.", stderr)
            : Failure(AttemptErrorKind.WorkerLost, Explain(end, exitCode, options), stderr);
    }

    /// <summary>One sentence for logs and errors.</summary>
    public static string Explain(WorkerEnd end, int exitCode, WorkerOptions options) => end switch
    {
        WorkerEnd.None => $"The worker {Status(exitCode)} on its own.",
        WorkerEnd.StartupTimeout => $"The worker was not ready within {nameof(options.StartupTimeoutSeconds)} ({Seconds(options.StartupTimeoutSeconds)}).",
        WorkerEnd.WrongProtocol => $"The worker does not speak version {WorkerProtocol.Version} of the worker protocol.",
        WorkerEnd.HeartbeatLost => $"The worker was silent for longer than {nameof(options.HeartbeatTimeoutSeconds)} ({Seconds(options.HeartbeatTimeoutSeconds)}).",
        WorkerEnd.Stalled => $"The worker reported no progress for longer than {nameof(options.StallSeconds)} ({Seconds(options.StallSeconds)}).",
        WorkerEnd.TooMuchGarbage =>
            $"The worker wrote {WorkerProtocol.MaxGarbageInARow} lines in a row to stdout that are no messages.",
        WorkerEnd.LineTooLong => $"The worker wrote a line longer than MaxLineBytes ({options.MaxLineBytes}).",
        WorkerEnd.StdoutClosed => "The worker closed its stdout.",
        WorkerEnd.StdinClosed => "The worker closed its stdin.",
        WorkerEnd.ReaderFault => "The worker's output could not be read.",
        WorkerEnd.MemoryLimit => $"The worker used more memory than MemoryLimitBytes ({options.MemoryLimitBytes}).",
        _ => $"The worker was ended ({end}) and {Status(exitCode)}.",
    };

    private static string Seconds(double seconds) => seconds.ToString(CultureInfo.InvariantCulture);

    private static AttemptResult Failure(AttemptErrorKind kind, string message, string? stderr) =>
        new AttemptResult.Failed(AttemptError.Create(kind, kind.ToString(), message, stderr, keepDetailEnd: true));

    private static string Status(int exitCode) => exitCode switch
    {
        127 => "ended with exit status 127 (the shell's word for: command not found)",
        128 + 4 => "ended with exit status 132 (SIGILL)",
        128 + 6 => "ended with exit status 134 (SIGABRT)",
        128 + 7 => "ended with exit status 135 (SIGBUS)",
        128 + 8 => "ended with exit status 136 (SIGFPE)",
        ProcessGroup.KilledExitCode => "ended with exit status 137 (SIGKILL)",
        128 + 11 => "ended with exit status 139 (SIGSEGV)",
        128 + ProcessGroup.SigTerm => "ended with exit status 143 (SIGTERM)",
        > 128 and < 128 + 65 => $"ended with exit status {exitCode} (signal {exitCode - 128})",
        _ => $"ended with exit status {exitCode}",
    };
}
