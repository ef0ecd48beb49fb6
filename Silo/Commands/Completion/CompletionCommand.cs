using System.CommandLine;

namespace Gristmill.Silo.Commands.Completion;

/// <summary><c>gristmill completion bash|zsh|fish</c>: prints what makes a shell ask <see cref="SuggestAction"/>.</summary>
internal static class CompletionCommand
{
    private static readonly string[] Shells = ["bash", "zsh", "fish"];

    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong(Shells);
        var command = new Command("completion", "Prints a script that completes commands, options and names in a shell; its head says how to load it.") { shell };
        command.SetAction(CommandRun.Action(environment, globals, async (run, cancellationToken) =>
        {
            await run.Environment.Out.WriteAsync((await ScriptAsync(run.Parsed.GetRequiredValue(shell), cancellationToken)).AsMemory(), cancellationToken);
            return ExitStatus.Ok;
        }));
        return command;
    }

    private static async Task<string> ScriptAsync(string shell, CancellationToken cancellationToken)
    {
        await using var stream = typeof(CompletionCommand).Assembly.GetManifestResourceStream($"completion.{shell}")!;
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(cancellationToken);
    }
}
