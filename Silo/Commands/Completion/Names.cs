using System.CommandLine;
using System.CommandLine.Parsing;

namespace Gristmill.Silo.Commands.Completion;

/// <summary>The names that an argument may have now, as the cluster knows them.</summary>
internal static class Names
{
    // The newest; who looks for another one types more of it.
    private const int MostIds = 100;

    /// <summary>Asks.</summary>
    public static async Task<IReadOnlyList<string>> AskAsync(
        ParseResult parsed, Argument argument, CommandEnvironment environment, GlobalOptions globals, CancellationToken cancellationToken)
    {
        // Connecting takes a moment of this thread, which must stay free to give up.
        await Task.Yield();
        await using var run = CommandRun.Of(parsed, environment, globals);
        var names = argument.Name switch
        {
            "queue" => await run.Client.ListQueuesAsync(cancellationToken),
            "silo" => (await run.Client.ListSilosAsync(cancellationToken)).Where(s => s.State != "lost").Select(s => s.Name),
            "id" => await IdsAsync(parsed, run, cancellationToken),
            _ => [],
        };
        return [.. names.Where(IsPlain)];
    }

    private static async Task<IEnumerable<string>> IdsAsync(ParseResult parsed, CommandRun run, CancellationToken cancellationToken)
    {
        if (parsed.CommandResult is not { Parent: CommandResult { Command.Name: var group } } || parsed.CommandResult.Command.Arguments[0] is not Argument<string> first) return [];
        var queue = run.Queue(first);
        return group switch
        {
            "job" => (await queue.ListAsync(limit: MostIds, cancellationToken: cancellationToken)).Jobs.Select(j => j.Id),
            "dead-letters" => (await queue.DeadLetters.ListAsync(limit: MostIds, cancellationToken: cancellationToken)).DeadLetters.Select(d => d.Id),
            "sessions" => (await queue.Sessions.ListAsync(limit: MostIds, cancellationToken: cancellationToken)).Sessions.Select(s => s.Id),
            _ => [],
        };
    }

    // What would need quotes in a shell is not offered.
    private static bool IsPlain(string name) => name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or ':' or '-' or '@' or '/' or '+' or '%');
}
