using System.CommandLine;
using System.CommandLine.Invocation;
using Gristmill.Silo.Commands.Completion;

namespace Gristmill.Silo.Commands;

/// <summary>
/// The command line: one file for each command (EnqueueCommand, JobCommands, QueueCommands, DeadLetterCommands, SessionCommands,
/// SilosCommands, GpusCommand, DoctorCommand, KeysCommand, ScriptsCommand, CompletionCommand). Each makes
/// its <see cref="Command"/> with an action on a <see cref="CommandRun"/>, which has the client and the output. They work on
/// the store alone, where no silo needs to be up, or by the HTTP API of a silo (Api/), with the same output. Commands of
/// other kinds are added to the root with <c>root.Add</c>, and use
/// <see cref="CommandRun.Action"/> where they want the same options, errors and exit status.
/// </summary>
internal static class GristmillCommands
{
    /// <summary>The tree of commands.</summary>
    /// <param name="environment">The world.</param>
    /// <param name="globals">The options of all commands, for who adds commands that read them too.</param>
    public static RootCommand Build(CommandEnvironment environment, GlobalOptions globals)
    {
        var root = new RootCommand("Gristmill grinds jobs off Redis lists on a cluster of silos.");
        globals.AddTo(root);
        root.Add(globals.WithApi(EnqueueCommand.Make(environment, globals)));
        root.Add(globals.WithApi(JobCommands.Make(environment, globals)));
        root.Add(globals.WithApi(QueueCommands.Make(environment, globals)));
        root.Add(globals.WithApi(DeadLetterCommands.Make(environment, globals)));
        root.Add(globals.WithApi(SessionCommands.Make(environment, globals)));
        root.Add(globals.WithApi(SilosCommands.Make(environment, globals)));
        root.Add(globals.WithApi(GpusCommand.Make(environment, globals)));
        root.Add(DoctorCommand.Make(environment, globals));
        root.Add(KeysCommand.Make(environment, globals));
        root.Add(ScriptsCommand.Make(environment, globals));
        root.Add(CompletionCommand.Make(environment, globals));
        SuggestAction.AddTo(root, environment, globals);
        return root;
    }

    /// <summary>Parses and runs.</summary>
    /// <returns>0 done, 1 failed, 2 called wrongly, 141 nobody reads what it writes.</returns>
    public static async Task<int> RunAsync(RootCommand root, IReadOnlyList<string> arguments, CommandEnvironment environment, CancellationToken cancellationToken = default)
    {
        // An argument like @clip.json is the job's payload, not a file of more arguments.
        var parsed = root.Parse(arguments, Parsing);
        var isJson = arguments.Contains("--json");
        if (parsed.Action is ParseErrorAction)
        {
            Failures.Write(environment, isJson, Failures.OfParsing(parsed));
            return ExitStatus.BadUsage;
        }

        var settings = new InvocationConfiguration
        {
            Output = environment.Out,
            Error = environment.Error,
            EnableDefaultExceptionHandler = false,
            // On SIGTERM and SIGINT commands are cancelled and end in their own time; a silo has work to give back.
            ProcessTerminationTimeout = Timeout.InfiniteTimeSpan,
        };
        try
        {
            return await parsed.InvokeAsync(settings, cancellationToken);
        }
        catch (IOException e) when (PipeOutput.IsClosed(e))
        {
            return PipeOutput.Status;
        }
        catch (Exception e) when (Failures.Explain(e) is { } failure)
        {
            Failures.Write(environment, isJson, failure);
            return failure.Status;
        }
        catch (Exception e)
        {
            return Failures.WriteUnforeseen(environment, isJson, e);
        }
    }

    /// <summary>How lines are parsed.</summary>
    public static ParserConfiguration Parsing { get; } = new() { ResponseFileTokenReplacer = null };
}
