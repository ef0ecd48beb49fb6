using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Sessions;

internal static partial class SessionsLog
{
    [LoggerMessage(1160, LogLevel.Warning, "Queue {Queue}, session {Session}: {Missing} sequence numbers had not come within {Seconds} s; it goes on without them.")]
    public static partial void SessionGap(this ILogger log, string queue, string session, double seconds, long missing);

    [LoggerMessage(1161, LogLevel.Debug, "Queue {Queue}: its sessions cannot be looked at, which is tried again: {Error}")]
    public static partial void SessionsNotSeen(this ILogger log, string queue, string error);

    [LoggerMessage(1162, LogLevel.Warning, "Queue {Queue}, session {Session}: the finalising job cannot be enqueued, which is tried again: {Error}")]
    public static partial void SessionNotFinished(this ILogger log, string queue, string session, string error);

    [LoggerMessage(1163, LogLevel.Error, "Queue {Queue}, session {Session}: the finalising job would have {Bytes} bytes; queue {Final} takes at most {Limit}. It gets the session without the results; they are read by GET /api/sessions/{Queue}/{Session}/jobs.")]
    public static partial void SessionTooLarge(this ILogger log, string queue, string session, long bytes, string final, int limit);
}
