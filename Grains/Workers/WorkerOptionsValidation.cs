using System.Globalization;

namespace Gristmill.Grains.Workers;

/// <summary>Refuses worker options that cannot work; each message names the option, its value and the bound.</summary>
internal static class WorkerOptionsValidation
{
    private const double Hour = 3600;
    private const double TenMinutes = 600;
    private const double Day = 86_400;

    /// <param name="options">What to check.</param>
    /// <param name="section">Where they stand in the configuration, for the messages: <c>Queues:asr:Worker</c>.</param>
    public static IReadOnlyList<string> Validate(WorkerOptions options, string section)
    {
        List<string> errors = [];
        if (options.Command.Length == 0 || string.IsNullOrWhiteSpace(options.Command[0]))
        {
            errors.Add($"{section}:Command is empty; it must name a program.");
        }

        if (options.WorkingDirectory is { } folder && !Directory.Exists(folder))
        {
            errors.Add($"{section}:WorkingDirectory is '{folder}'; it must be a folder that exists.");
        }

        Range(nameof(options.Count), options.Count, 1, 256);
        Range(nameof(options.BatchSize), options.BatchSize, 1, 1000);
        Range(nameof(options.BatchWaitSeconds), options.BatchWaitSeconds, 0, 60);
        Range(nameof(options.StartupTimeoutSeconds), options.StartupTimeoutSeconds, 0.1, Hour);
        Range(nameof(options.HeartbeatIntervalSeconds), options.HeartbeatIntervalSeconds, 0.05, TenMinutes);
        Range(nameof(options.HeartbeatTimeoutSeconds), options.HeartbeatTimeoutSeconds, options.HeartbeatIntervalSeconds * 2, Hour);
        if (options.StallSeconds != 0)
        {
            Range(nameof(options.StallSeconds), options.StallSeconds, 0.1, Day);
        }

        Range(nameof(options.CancelGraceSeconds), options.CancelGraceSeconds, 0, Hour);
        Range(nameof(options.TermGraceSeconds), options.TermGraceSeconds, 0, TenMinutes);
        Range(nameof(options.MaxJobs), options.MaxJobs, 0, int.MaxValue);
        if (options.MemoryLimitBytes != 0)
        {
            Range(nameof(options.MemoryLimitBytes), options.MemoryLimitBytes, 1024 * 1024, long.MaxValue);
        }

        Range(nameof(options.GpuMemoryLimitMiB), options.GpuMemoryLimitMiB, 0, 16 * 1024 * 1024);
        Range(nameof(options.MaxLineBytes), options.MaxLineBytes, 4 * 1024, 64 * 1024 * 1024);
        Range(nameof(options.RestartBackoffSeconds), options.RestartBackoffSeconds, 0.01, Hour);
        Range(nameof(options.MaxRestartBackoffSeconds), options.MaxRestartBackoffSeconds, options.RestartBackoffSeconds, Hour);
        Range(nameof(options.StderrTailLines), options.StderrTailLines, 0, 1000);
        return errors;

        // Also refuses what is no number; a bound that is none, since it hangs on another wrong option, is not looked at.
        void Range(string option, double value, double min, double max)
        {
            if (value < min || value > max || double.IsNaN(value))
            {
                errors.Add(string.Create(
                    CultureInfo.InvariantCulture, $"{section}:{option} is {value}; it must be from {min} to {max}."));
            }
        }
    }
}
