using Spectre.Console;

namespace Gristmill.Silo.Commands;

/// <summary>What commands see of the world, so that a test can be the world.</summary>
internal sealed record CommandEnvironment
{
    private const int WidthWithoutTerminal = 1000;

    /// <summary>Where results go.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Where errors and warnings go.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>What "-" reads.</summary>
    public required TextReader In { get; init; }

    /// <summary>Environment variables by name.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>All environment variables, for commands that read the configuration as a silo does. None by default.</summary>
    public Func<IEnumerable<KeyValuePair<string, string?>>> Variables { get; init; } = static () => [];

    /// <summary>The working folder: of files, appsettings.json and the embedded store.</summary>
    public required string Folder { get; init; }

    /// <summary>Whether a person looks at <see cref="Out"/>: colours and moving bars.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>What tables and colours are written to: without a terminal plain text, and lines as long as they are.</summary>
    /// <param name="moving">Whether bars may move, where a person looks.</param>
    public IAnsiConsole MakeConsole(bool moving)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Out),
            Ansi = IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            // Detecting heeds NO_COLOR (https://no-color.org).
            ColorSystem = IsTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = moving && IsTerminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!IsTerminal) console.Profile.Width = WidthWithoutTerminal;
        return console;
    }

    /// <summary>The process's own.</summary>
    public static CommandEnvironment OfProcess() => new()
    {
        Out = PipeOutput.Open(),
        Error = Console.Error,
        In = Console.In,
        Variable = Environment.GetEnvironmentVariable,
        Variables = static () => Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(v => KeyValuePair.Create((string)v.Key, (string?)v.Value)),
        Folder = Environment.CurrentDirectory,
        IsTerminal = !Console.IsOutputRedirected,
    };
}

/// <summary>A command that cannot do what was asked: what is wrong, and what to do next.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="hint">What to do next; null for nothing.</param>
/// <param name="status">The exit status.</param>
internal sealed class CommandException(string message, string? hint = null, int status = ExitStatus.Failed) : Exception(message)
{
    public string? Hint => hint;

    public int Status => status;

    /// <summary>The command was called in a way that makes no sense.</summary>
    public static CommandException BadUsage(string message, string? hint = null) => new(message, hint, ExitStatus.BadUsage);
}

/// <summary>How commands end.</summary>
internal static class ExitStatus
{
    /// <summary>It was done.</summary>
    public const int Ok = 0;

    /// <summary>It failed.</summary>
    public const int Failed = 1;

    /// <summary>It was called wrongly; nothing was done.</summary>
    public const int BadUsage = 2;
}
