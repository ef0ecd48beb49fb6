using Microsoft.Extensions.Logging;

namespace Gristmill.Engine;

internal static partial class RemotingLog
{
    [LoggerMessage(2200, LogLevel.Warning, "The inbox cannot be read, and is opened again: {Cause}")]
    public static partial void InboxLost(this ILogger log, string cause);

    [LoggerMessage(2201, LogLevel.Warning, "A message of another silo is not read: {Cause}")]
    public static partial void MessageUnread(this ILogger log, string cause);

    [LoggerMessage(2202, LogLevel.Information, "{Member} is no member any more: {Calls} calls that were to be sent there go another way, {Answers} answers to it are dropped.")]
    public static partial void NoSuchMember(this ILogger log, string member, int calls, int answers);

    [LoggerMessage(2203, LogLevel.Warning, "{Answers} answers to {Member} may be lost; their callers wait until they time out: {Cause}")]
    public static partial void AnswersLost(this ILogger log, int answers, string member, string cause);
}
