using System.Globalization;

namespace Gristmill.Grains.Workers;

/// <summary>Refuses worker options that cannot work; each message names the option, its value and the bound.</summary>
internal static class WorkerOptionsValidation
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan TenMinutes = TimeSpan.FromMinutes(10);

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
        Span(nameof(options.StartupTimeout), options.StartupTimeout, TimeSpan.FromMilliseconds(100), Hour);
        Span(nameof(options.HeartbeatInterval), options.HeartbeatInterval, TimeSpan.FromMilliseconds(50), TenMinutes);
        Span(nameof(options.HeartbeatTimeout), options.HeartbeatTimeout, options.HeartbeatInterval * 2, Hour);
        Span(nameof(options.CancelGrace), options.CancelGrace, TimeSpan.Zero, Hour);
        Span(nameof(options.TermGrace), options.TermGrace, TimeSpan.Zero, TenMinutes);
        Range(nameof(options.MaxJobs), options.MaxJobs, 0, int.MaxValue);
        if (options.MemoryLimitBytes != 0)
        {
            Range(nameof(options.MemoryLimitBytes), options.MemoryLimitBytes, 1024 * 1024, long.MaxValue);
        }

        Range(nameof(options.MaxLineBytes), options.MaxLineBytes, 4 * 1024, 64 * 1024 * 1024);
        Span(nameof(options.RestartBackoff), options.RestartBackoff, TimeSpan.FromMilliseconds(10), Hour);
        Span(nameof(options.MaxRestartBackoff), options.MaxRestartBackoff, options.RestartBackoff, Hour);
        Range(nameof(options.StderrTailLines), options.StderrTailLines, 0, 1000);
        return errors;

        void Range(string option, long value, long min, long max)
        {
            if (value < min || value > max)
            {
                errors.Add(string.Create(
                    CultureInfo.InvariantCulture, $"{section}:{option} is {value}; it must be from {min} to {max}."));
            }
        }

        void Span(string option, TimeSpan value, TimeSpan min, TimeSpan max)
        {
            if (value < min || value > max)
            {
                errors.Add($"{section}:{option} is {value:c}; it must be from {min:c} to {max:c}.");
            }
        }
    }
}
