using System.CommandLine;
using System.CommandLine.Invocation;
using Gristmill.Client;
using Gristmill.Redis;
using Gristmill.Silo.EmbeddedStore;
using Gristmill.Store;

namespace Gristmill.Silo.Commands;

/// <summary>
/// The command line: one file for each command (EnqueueCommand, JobCommands, QueueCommands, DeadLetterCommands, SessionCommands,
/// SilosCommands, GpusCommand, KeysCommand). Each makes
/// its <see cref="Command"/> with an action on a <see cref="CommandRun"/>, which has the client and the output. They work on
/// the store alone; no silo needs to be up. Commands of other kinds are added to the root with <c>root.Add</c>, and use
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
        root.Add(EnqueueCommand.Make(environment, globals));
        root.Add(JobCommands.Make(environment, globals));
        root.Add(QueueCommands.Make(environment, globals));
        root.Add(DeadLetterCommands.Make(environment, globals));
        root.Add(SessionCommands.Make(environment, globals));
        root.Add(SilosCommands.Make(environment, globals));
        root.Add(GpusCommand.Make(environment, globals));
        root.Add(KeysCommand.Make(environment, globals));
        return root;
    }

    /// <summary>Parses and runs.</summary>
    /// <returns>0 done, 1 failed, 2 called wrongly.</returns>
    public static async Task<int> RunAsync(RootCommand root, IReadOnlyList<string> arguments, CommandEnvironment environment, CancellationToken cancellationToken = default)
    {
        // An argument like @clip.json is the job's payload, not a file of more arguments.
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
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
            var status = await parsed.InvokeAsync(settings, cancellationToken);
            return parsed.Action is ParseErrorAction ? ExitStatus.BadUsage : status;
        }
        catch (Exception e) when (Explain(e) is { } failure)
        {
            await environment.Error.WriteLineAsync($"error: {Plain.Text(failure.Message)}");
            if (failure.Hint is { } hint) await environment.Error.WriteLineAsync($"       {hint}");
            return failure.Status;
        }
    }

    private static CommandException? Explain(Exception exception) => exception switch
    {
        CommandException e => e,
        InvalidJobException e => CommandException.BadUsage(e.Message),
        JobNotFoundException e => new CommandException(e.Message, $"gristmill queues show {e.Queue}   shows what the queue has."),
        GristmillClientException { InnerException: RedisException e } => new CommandException(exception.Message, RedisAdvice.Of(e)),
        GristmillClientException or EmbeddedStoreException => new CommandException(exception.Message),
        WrongTypeException or SchemaException => new CommandException(exception.Message),
        RedisException e => new CommandException(e.Message, RedisAdvice.Of(e)),
        OperationCanceledException => new CommandException("Interrupted."),
        _ => null,
    };
}
