namespace Gristmill.Silo.Findings;

/// <summary>What the doctor says. Event ids 4100 to 4119.</summary>
internal static partial class FindingsLog
{
    [LoggerMessage(EventId = 4100, Message = "Finding {Code}: {Message} What to do: {Action}")]
    public static partial void Found(ILogger logger, LogLevel level, string code, string message, string action);

    [LoggerMessage(4101, LogLevel.Information, "Finding {Code} is gone: {Message}")]
    public static partial void Gone(ILogger logger, string code, string message);

    [LoggerMessage(4102, LogLevel.Debug, "The check with {Check} is left out: {Reason}")]
    public static partial void Left(ILogger logger, string check, string reason);

    [LoggerMessage(4103, LogLevel.Debug, "The server could not be asked for findings: {Reason}")]
    public static partial void CannotLook(ILogger logger, string reason);
}
