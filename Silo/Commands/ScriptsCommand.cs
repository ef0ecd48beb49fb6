using System.CommandLine;
using Gristmill.Grains.Silo;
using Gristmill.Store;

namespace Gristmill.Silo.Commands;

/// <summary><c>gristmill scripts export</c></summary>
internal static class ScriptsCommand
{
    private static readonly Option<string?> Output = new("--output", "-o") { Description = "The file to write; standard output without it.", HelpName = "file" };

    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var export = new Command("export", "Writes the scripts that clients in other languages call, with their keys and arguments by name, as one JSON object.") { Output };
        export.SetAction(CommandRun.Action(environment, globals, ExportAsync));
        return new Command("scripts", "The store's scripts, for clients in other languages; silos also keep them in Redis.") { export };
    }

    private static async Task<int> ExportAsync(CommandRun run, CancellationToken cancellationToken)
    {
        var json = ClientScripts.Export(SiloReporter.Version);
        if (run.Parsed.GetValue(Output) is not { } file)
        {
            await run.Environment.Out.WriteLineAsync(json);
            return ExitStatus.Ok;
        }

        try
        {
            await File.WriteAllTextAsync(Path.Combine(run.Environment.Folder, file), json + "\n", cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"--output '{file}' cannot be written: {error.Message}");
        }

        return ExitStatus.Ok;
    }
}
