using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Gristmill.Silo.Commands.Completion;

/// <summary>
/// What may come next on a line that is being typed: <c>gristmill [suggest:12] "gristmill que"</c>, a word a line. Commands
/// and options come from the tree of commands; names from the cluster, when it answers at once. Says nothing of what fails:
/// nobody asked for it.
/// </summary>
internal sealed class SuggestAction(RootCommand root, SuggestDirective directive, CommandEnvironment environment, GlobalOptions globals) : AsynchronousCommandLineAction
{
    /// <summary>The variable with the milliseconds that names may take.</summary>
    public const string LimitVariable = "GRISTMILL_COMPLETION_MS";

    private const int MostMilliseconds = 10_000;
    private const int DefaultMilliseconds = 500;

    /// <summary>Puts it in place of the one of the tree, which knows no names.</summary>
    public static void AddTo(RootCommand root, CommandEnvironment environment, GlobalOptions globals)
    {
        var directive = root.Directives.OfType<SuggestDirective>().Single();
        directive.Action = new SuggestAction(root, directive, environment, globals);
    }

    public override async Task<int> InvokeAsync(ParseResult parseResult, CancellationToken cancellationToken = default)
    {
        var line = parseResult.Tokens.LastOrDefault(t => t.Type != TokenType.Directive)?.Value ?? string.Empty;
        if (parseResult.GetResult(directive)?.Values is [var position] && int.TryParse(position, CultureInfo.InvariantCulture, out var cursor) && cursor >= 0 && cursor < line.Length) line = line[..cursor];
        var parsed = root.Parse(line, GristmillCommands.Parsing);
        var word = line.Length == 0 || char.IsWhiteSpace(line[^1]) ? string.Empty : line[(line.LastIndexOfAny([' ', '\t']) + 1)..];
        var found = Known(parsed, line, word);
        if (Asked(parsed, word) is { } argument) found = [.. await NamesAsync(parsed, argument, cancellationToken), .. found];
        foreach (var label in found.Where(l => l.StartsWith(word, StringComparison.Ordinal)).Distinct()) await environment.Out.WriteLineAsync(label);
        return ExitStatus.Ok;
    }

    // Options are many: they come when one begins to be typed, or when there is nothing else.
    private static List<string> Known(ParseResult parsed, string line, string word)
    {
        var all = parsed.GetCompletions(line.Length).Select(c => c.InsertText ?? c.Label).Where(l => !l.StartsWith('/') && l is not ("-?" or "-h")).ToList();
        var words = all.FindAll(l => !l.StartsWith('-'));
        return word.StartsWith('-') || (words.Count == 0 && parsed.CommandResult.Command.Arguments.Count == 0) ? all : words;
    }

    // The argument that is being typed; null when it is an option, its value, or a command.
    private static Argument? Asked(ParseResult parsed, string word)
    {
        if (word.StartsWith('-') || parsed.CommandResult.Command.Subcommands.Count > 0) return null;
        var before = word.Length == 0 ? parsed.Tokens.LastOrDefault() : parsed.Tokens.SkipLast(1).LastOrDefault();
        if (before is { Type: TokenType.Option } && Takes(parsed, before.Value)) return null;
        var arguments = parsed.CommandResult.Command.Arguments;
        return word.Length == 0
            ? arguments.FirstOrDefault(a => parsed.GetResult(a) is not { Tokens.Count: > 0 })
            : arguments.LastOrDefault(a => parsed.GetResult(a) is { Tokens: [.., var last] } && last.Value == word);
    }

    private static bool Takes(ParseResult parsed, string name)
    {
        for (SymbolResult? at = parsed.CommandResult; at is CommandResult command; at = command.Parent)
        {
            if (command.Command.Options.FirstOrDefault(o => o.Name == name || o.Aliases.Contains(name)) is { } option) return option.ValueType != typeof(bool);
        }

        return false;
    }

    private async Task<IReadOnlyList<string>> NamesAsync(ParseResult parsed, Argument argument, CancellationToken cancellationToken)
    {
        var clock = environment.Clock;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var asked = Names.AskAsync(parsed, argument, environment with { Error = TextWriter.Null }, globals, over.Token);
        await Task.WhenAny(asked, Task.Delay(Limit(), clock, over.Token));
        var names = asked.IsCompletedSuccessfully ? await asked : [];
        await over.CancelAsync();

        // It ends on its own; its failure is nobody's.
        _ = asked.ContinueWith(static ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return names;
    }

    private TimeSpan Limit() => TimeSpan.FromMilliseconds(
        int.TryParse(environment.Variable(LimitVariable), CultureInfo.InvariantCulture, out var given) && given is > 0 and <= MostMilliseconds ? given : DefaultMilliseconds);
}
