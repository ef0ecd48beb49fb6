using Microsoft.Extensions.Logging;

namespace Gristmill.Client;

internal static partial class GristmillClientLog
{
    [LoggerMessage(5000, LogLevel.Warning, "The job {Queue}/{Id} could not be read while it is watched; it is tried again.")]
    public static partial void WatchInterrupted(this ILogger log, Exception exception, string queue, string id);
}
