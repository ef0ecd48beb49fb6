namespace Gristmill.Silo.EmbeddedStore;

/// <summary>What the embedded store says. Event ids 4000 to 4019.</summary>
internal static partial class EmbeddedGarnetLog
{
    [LoggerMessage(4000, LogLevel.Information,
        "No Redis is configured: started an embedded store (Microsoft Garnet) at {Url}; its data and log are in {Folder}. " +
        "To use a Redis instead: --redis redis://host:6379, or REDIS_URL.")]
    public static partial void Started(ILogger logger, string url, string folder);

    [LoggerMessage(4001, LogLevel.Information,
        "No Redis is configured: using the embedded store at {Url} that another silo runs in {Folder}. " +
        "To use a Redis instead: --redis redis://host:6379, or REDIS_URL.")]
    public static partial void Shared(ILogger logger, string url, string folder);

    [LoggerMessage(4002, LogLevel.Warning, "The embedded store serves again at {Url}, with its data from {Folder}.")]
    public static partial void StartedAgain(ILogger logger, string url, string folder);

    [LoggerMessage(4003, LogLevel.Error, "The embedded store (process {ProcessId}) ended with status {ExitCode} and is started again. The end of its log:\n{LogTail}")]
    public static partial void Lost(ILogger logger, int processId, int exitCode, string logTail);

    [LoggerMessage(4004, LogLevel.Error, "The embedded store cannot be started again; next attempt in {Seconds} s. {Reason}")]
    public static partial void CannotStartAgain(ILogger logger, string reason, double seconds);

    [LoggerMessage(4005, LogLevel.Information, "Stopped the embedded store; its data stays in {Folder}.")]
    public static partial void Stopped(ILogger logger, string folder);

    [LoggerMessage(4006, LogLevel.Warning, "The embedded store did not stop in an orderly way and was killed; what it had answered is on disk. {Reason}")]
    public static partial void StoppedHard(ILogger logger, string reason);
}
