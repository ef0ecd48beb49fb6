using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.DeadLetters;

/// <summary>What dead-letter grains log; event ids 1110 to 1119.</summary>
internal static partial class DeadLetterGrainLog
{
    [LoggerMessage(1110, LogLevel.Warning, "Queue {Queue}: a message for list {List} was refused and is dropped; the job's record has it all: {Error}")]
    public static partial void OutboxRefused(this ILogger log, string queue, string list, string error);

    [LoggerMessage(1111, LogLevel.Warning, "Queue {Queue}: messages for foreign lists wait in the outbox: {Error}")]
    public static partial void OutboxFailed(this ILogger log, string queue, string error);
}
