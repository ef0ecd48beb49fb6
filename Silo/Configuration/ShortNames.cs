using System.Globalization;
using Gristmill.Grains.Options;

namespace Gristmill.Silo.Configuration;

/// <summary>
/// The names that such systems have in their environments already. Each fills only what neither the configuration nor a
/// flag has set: REDIS_URL the Redis; QUEUE_NAME a queue of that name on the list of that name, when no queue is
/// configured (its handler or worker comes by flag, or is the only thing that is missing); JOB_TIMEOUT the seconds of an
/// attempt, of each queue; WORKER_COUNT the worker processes, of each queue with workers; LOG_LEVEL the log.
/// </summary>
internal static class ShortNames
{
    public const string RedisUrl = "REDIS_URL";
    public const string QueueName = "QUEUE_NAME";
    public const string JobTimeout = "JOB_TIMEOUT";
    public const string WorkerCount = "WORKER_COUNT";
    public const string LogLevel = "LOG_LEVEL";

    private static readonly Dictionary<string, LogLevel> Levels = new(StringComparer.OrdinalIgnoreCase)
    {
        ["TRACE"] = Microsoft.Extensions.Logging.LogLevel.Trace,
        ["DEBUG"] = Microsoft.Extensions.Logging.LogLevel.Debug,
        ["INFO"] = Microsoft.Extensions.Logging.LogLevel.Information,
        ["INFORMATION"] = Microsoft.Extensions.Logging.LogLevel.Information,
        ["WARNING"] = Microsoft.Extensions.Logging.LogLevel.Warning,
        ["WARN"] = Microsoft.Extensions.Logging.LogLevel.Warning,
        ["ERROR"] = Microsoft.Extensions.Logging.LogLevel.Error,
        ["CRITICAL"] = Microsoft.Extensions.Logging.LogLevel.Critical,
    };

    /// <summary>The level of a name such as DEBUG or warning; null for none or an unknown one.</summary>
    public static LogLevel? LevelOf(string? name) => name is not null && Levels.TryGetValue(name, out var level) ? level : null;

    public static void Apply(GristmillOptions options, IConfiguration configuration, GristmillFlags flags)
    {
        options.Redis ??= Value(configuration, RedisUrl);
        if (options.Queues.Count == 0 && Value(configuration, QueueName) is { } name)
        {
            options.Queues[name] = new QueueOptions { List = flags.List ?? name, Handler = flags.Handler };
        }

        foreach (var (queue, of) in options.Queues)
        {
            var section = configuration.GetSection($"{GristmillOptions.Section}:Queues:{queue}");
            if (flags.TimeoutSeconds is null && section["TimeoutSeconds"] is null && Seconds(configuration) is { } seconds)
            {
                of.TimeoutSeconds = seconds;
            }

            if (flags.Workers is null && of.Worker is { } worker && section["Worker:Count"] is null && Count(configuration) is { } count)
            {
                worker.Count = count;
            }
        }
    }

    /// <summary>One message for each short name whose value cannot be read.</summary>
    public static IEnumerable<string> Errors(IConfiguration configuration, GristmillFlags flags)
    {
        if (Value(configuration, JobTimeout) is { } timeout && Seconds(configuration) is null)
        {
            yield return $"{JobTimeout} is '{timeout}'; it must be a number of seconds, such as 300.";
        }

        if (Value(configuration, WorkerCount) is { } workers && Count(configuration) is null)
        {
            yield return $"{WorkerCount} is '{workers}'; it must be a whole number from 1 to 256.";
        }

        if ((flags.LogLevel ?? Value(configuration, LogLevel)) is { } level && LevelOf(level) is null)
        {
            yield return $"{(flags.LogLevel is null ? LogLevel : "--log-level")} is '{level}'; it must be DEBUG, INFO, WARNING or ERROR.";
        }
    }

    private static double? Seconds(IConfiguration configuration) =>
        double.TryParse(Value(configuration, JobTimeout), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) ? seconds : null;

    private static int? Count(IConfiguration configuration) =>
        int.TryParse(Value(configuration, WorkerCount), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : null;

    private static string? Value(IConfiguration configuration, string name) => configuration[name] is { Length: > 0 } value ? value : null;
}
