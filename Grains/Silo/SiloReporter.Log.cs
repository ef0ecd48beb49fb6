using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Silo;

internal static partial class SiloReporterLog
{
    [LoggerMessage(1130, LogLevel.Information, "Asked to drain: takes nothing more, finishes what runs, and then ends.")]
    public static partial void DrainAsked(this ILogger log);

    [LoggerMessage(1131, LogLevel.Warning, "The other silos cannot hear of this one: {Reason}")]
    public static partial void ReportFailed(this ILogger log, string reason);

    [LoggerMessage(1132, LogLevel.Warning, "This silo will be shown as lost for an hour, since it could not say that it ends: {Reason}")]
    public static partial void LeaveFailed(this ILogger log, string reason);
}
