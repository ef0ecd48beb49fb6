using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Silo;

/// <summary>What the monitor logs; event ids 1120 to 1129.</summary>
internal static partial class QueueMonitorLog
{
    [LoggerMessage(1120, LogLevel.Information, "Queue {Queue}: waiting: {Waiting}; {Running} running here; {Dead} dead letters.")]
    public static partial void Statistics(this ILogger log, string queue, string waiting, long running, long dead);

    [LoggerMessage(1121, LogLevel.Information, "This silo: {Completed} completed, {Failed} failed, up {Uptime}.")]
    public static partial void Totals(this ILogger log, long completed, long failed, string uptime);

    [LoggerMessage(1122, LogLevel.Information, "Stopped. Jobs in all: {Total}, succeeded: {Completed}, failed: {Failed}, uptime: {Uptime}.")]
    public static partial void Final(this ILogger log, long total, long completed, long failed, string uptime);

    [LoggerMessage(1123, LogLevel.Debug, "Queue {Queue}: its numbers cannot be read: {Error}")]
    public static partial void LookFailed(this ILogger log, string queue, string error);
}
