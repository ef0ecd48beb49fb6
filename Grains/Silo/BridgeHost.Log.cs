using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Silo;

/// <summary>What the host of the bridges logs; event ids 1100 to 1109.</summary>
internal static partial class BridgeHostLog
{
    [LoggerMessage(1100, LogLevel.Error, "Queue {Queue} cannot be served: {Error}")]
    public static partial void RunnerBroken(this ILogger log, string queue, string error);

    [LoggerMessage(1101, LogLevel.Warning, "Queue {Queue}: its bridge did not answer: {Error}")]
    public static partial void BridgeUnreachable(this ILogger log, string queue, string error);

    [LoggerMessage(1102, LogLevel.Warning, "Stopped before all jobs were given back; the store gives them back when this silo's lease expires.")]
    public static partial void StoppedInPart(this ILogger log);

    [LoggerMessage(1103, LogLevel.Warning, "Work waits for threads: handlers hold theirs. The thread pool has at least {Threads} now. Handlers that wait should await, and those that compute need no more Concurrency than there are cores.")]
    public static partial void ThreadsHeld(this ILogger log, int threads);

    [LoggerMessage(1104, LogLevel.Information, "Queue {Queue} is not served here: this silo has not the labels {Labels}.")]
    public static partial void NotServedHere(this ILogger log, string queue, string labels);

    [LoggerMessage(1105, LogLevel.Information, "Drained: nothing runs any more; the silo ends.")]
    public static partial void Drained(this ILogger log);
}
