using System.CommandLine;
using System.Text.RegularExpressions;
using Gristmill.Silo.Bench;
using Gristmill.Silo.Commands;
using Gristmill.Silo.Demo;
using Gristmill.Silo.Hosting;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary>docs/commands.md names the commands that there are.</summary>
public sealed partial class CommandsPageTests
{
    private static readonly string Page = File.ReadAllText(Repository.Path("docs/commands.md"));

    [Fact]
    public void Page_has_a_row_for_each_command_and_each_row_is_one()
    {
        var rows = Page.Split('\n').SkipWhile(l => l != "| command | does |").Skip(2).TakeWhile(l => l.StartsWith('|'))
            .SelectMany(l => Quoted().Matches(l.Split('|')[1]).Select(m => string.Join(' ', m.Groups[1].Value.Split(' ').TakeWhile(w => char.IsAsciiLetterLower(w[0])))));
        Assert.Equal(Tree().Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Page_has_no_option_that_is_not_there()
    {
        var known = All(Root()).SelectMany(c => c.Options).Select(o => o.Name).Concat(["--jsn", "--help"]).ToHashSet();
        var ours = Page.Split('\n').Where(l => !l.StartsWith("redis-cli ", StringComparison.Ordinal));
        Assert.Subset(known, ours.SelectMany(l => Option().Matches(l).Select(m => m.Value)).ToHashSet());
    }

    private static RootCommand Root()
    {
        var (environment, globals) = (CommandEnvironment.OfProcess(), new GlobalOptions());
        var root = GristmillCommands.Build(environment, globals);
        root.Add(SiloCommand.Create(globals));
        root.Add(DemoCommand.Create(environment, globals));
        root.Add(BenchCommand.Make(environment, globals));
        return root;
    }

    // Commands with an action of their own, by their path.
    private static IEnumerable<string> Tree() => Root().Subcommands.SelectMany(c => Paths(c, c.Name));

    private static IEnumerable<string> Paths(Command command, string path) =>
        (command.Action is null ? [] : new[] { path }).Concat(command.Subcommands.SelectMany(c => Paths(c, $"{path} {c.Name}")));

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex("(?<![a-z-])--[a-z][a-z-]+")]
    private static partial Regex Option();
}
