using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Workers;

/// <summary>Event ids 3100–3199 and 1180–1189.</summary>
internal static partial class Log
{
    [LoggerMessage(3100, LogLevel.Debug, "Worker {Worker} started as process {ProcessId}")]
    public static partial void Started(ILogger logger, string worker, int processId);

    [LoggerMessage(3101, LogLevel.Information, "Worker {Worker} (process {ProcessId}) is ready after {Milliseconds:F0} ms")]
    public static partial void Ready(ILogger logger, string worker, int processId, double milliseconds);

    [LoggerMessage(3102, LogLevel.Debug, "Worker {Worker} (process {ProcessId}) has ended: {Why}")]
    public static partial void Ended(ILogger logger, string worker, int processId, string why);

    [LoggerMessage(3103, LogLevel.Error, "Worker {Worker} (process {ProcessId}) is lost: {Why} {Stderr}")]
    public static partial void Lost(ILogger logger, string worker, int processId, string why, string stderr);

    [LoggerMessage(3104, LogLevel.Warning, "Worker {Worker} (process {ProcessId}) gets signal {Signal}: {End}")]
    public static partial void Signalled(ILogger logger, string worker, int processId, int signal, WorkerEnd end);

    [LoggerMessage(3105, LogLevel.Information, "Worker {Worker} is replaced after {Jobs} jobs")]
    public static partial void Recycled(ILogger logger, string worker, int jobs);

    [LoggerMessage(3106, LogLevel.Warning, "Worker {Worker} uses {Bytes} bytes of memory, more than MemoryLimitBytes ({Limit})")]
    public static partial void MemoryLimit(ILogger logger, string worker, long bytes, long limit);

    [LoggerMessage(3107, LogLevel.Information, "The next worker {Queue}/{Slot} starts in {Milliseconds:F0} ms")]
    public static partial void Restarting(ILogger logger, string queue, int slot, double milliseconds);

    [LoggerMessage(3108, LogLevel.Warning, "Worker {Worker} wrote a line to stdout that is no message: {Line}")]
    public static partial void Garbage(ILogger logger, string worker, string line);

    [LoggerMessage(3109, LogLevel.Warning, "Worker {Worker}: {Lines} log lines were held back, there were too many in a second")]
    public static partial void Suppressed(ILogger logger, string worker, int lines);

    [LoggerMessage(1180, LogLevel.Warning, "Worker {Worker} (process {ProcessId}) left {Count} processes outside its process group; they were killed")]
    public static partial void Strays(ILogger logger, string worker, int processId, int count);

    [LoggerMessage(1181, LogLevel.Warning, "Queue {Queue}: the silo stood still for {Milliseconds:F0} ms; no worker is judged by that time")]
    public static partial void StoodStill(ILogger logger, string queue, double milliseconds);

    [LoggerMessage(1182, LogLevel.Information, "Worker {Worker} has used {UsedMiB} MiB of its device, more than GpuMemoryLimitMiB ({Limit}), and is replaced")]
    public static partial void GpuMemoryLimit(ILogger logger, string worker, int usedMiB, int limit);

    [LoggerMessage(3110, LogLevel.Information, "Worker {Worker} on stderr: {Line}")]
    public static partial void Stderr(ILogger logger, string worker, string line);

    [LoggerMessage(3112, LogLevel.Error, "Reading the output of worker {Worker} failed")]
    public static partial void ReaderFault(ILogger logger, Exception error, string worker);

    [LoggerMessage(EventId = 3111, Message = "Worker {Worker}: {Text}")]
    public static partial void Said(ILogger logger, LogLevel level, string worker, string text);
}
