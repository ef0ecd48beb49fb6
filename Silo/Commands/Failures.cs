using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using Gristmill.Client;
using Gristmill.Redis;
using Gristmill.Silo.Commands.Api;
using Gristmill.Silo.Configuration;
using Gristmill.Silo.EmbeddedStore;
using Gristmill.Silo.Http;
using Gristmill.Store;

namespace Gristmill.Silo.Commands;

/// <summary>
/// How commands say what went wrong, in this one place: on the error output, what is wrong and what to do next. With --json
/// it is one line with an object: {"error", "hint"?, "status"}, where the status is the exit status.
/// </summary>
internal static class Failures
{
    /// <summary>What to tell of an exception; null for one that is a fault of the program.</summary>
    public static CommandException? Explain(Exception exception) => exception switch
    {
        CommandException e => e,
        ApiRefusal e => e.Explain(),
        ApiUnavailableException e => e.Explain(),
        InvalidJobException e => CommandException.BadUsage(e.Message),
        JobNotFoundException e => new CommandException(e.Message, $"gristmill queues show {e.Queue}   shows what the queue has."),
        GristmillClientException { InnerException: RedisException e } => new CommandException(exception.Message, RedisAdvice.Of(e)),
        GristmillClientException or EmbeddedStoreException => new CommandException(exception.Message),
        WrongTypeException or SchemaException => new CommandException(exception.Message),
        RedisException e => new CommandException(e.Message, RedisAdvice.Of(e)),
        InvalidDataException e when SettingsFile.Explain(e) is { } wrong => CommandException.BadUsage(wrong),
        OperationCanceledException => new CommandException("Interrupted."),
        _ => null,
    };

    /// <summary>Whether the same look may succeed a moment later, so that who watches goes on.</summary>
    public static bool MayPass(Exception exception) =>
        exception is RedisException or ApiUnavailableException or ApiRefusal { MayPass: true } or GristmillClientException { InnerException: RedisException };

    /// <summary>Writes it.</summary>
    public static void Write(CommandEnvironment environment, bool json, CommandException failure)
    {
        if (json)
        {
            environment.Error.WriteLine(JsonSerializer.Serialize(new Failure(failure.Message, failure.Hint, failure.Status), ApiJson.Options));
            return;
        }

        environment.Error.WriteLine($"error: {Plain.Text(failure.Message)}");
        if (failure.Hint is { } hint) environment.Error.WriteLine($"       {Plain.Text(hint)}");
    }

    /// <summary>Writes a fault of the program, for people with where it came from.</summary>
    /// <returns>The exit status.</returns>
    public static int WriteUnforeseen(CommandEnvironment environment, bool json, Exception fault)
    {
        var failure = new CommandException($"This is a fault of gristmill itself: {fault.GetType().Name}: {fault.Message}", "Please report it with the line that you ran.");
        Write(environment, json, failure);
        if (!json) environment.Error.WriteLine(Plain.Text(fault.ToString()));
        return failure.Status;
    }

    /// <summary>What does not parse, with what may have been meant.</summary>
    public static CommandException OfParsing(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var unknown = parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : null;
        var said = parsed.Errors.Select(e => string.Join(' ', e.Message.Split(['\n', '\t', '\r', ' '], StringSplitOptions.RemoveEmptyEntries))).Distinct().ToList();
        var message = unknown is not null && said.Find(m => m.Contains($"'{unknown}'", StringComparison.Ordinal)) is { } about
            ? string.Join(" ", [about, .. Meant(unknown, parsed.CommandResult)])
            : string.Join(" ", said);
        var children = command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name).ToList();
        var help = $"{Path(parsed.CommandResult)} --help";
        return CommandException.BadUsage(message, unknown is null && children.Count > 0 ? $"There are: {string.Join(", ", children)}. See: {help}" : $"See: {help}");
    }

    private static IEnumerable<string> Meant(string unknown, CommandResult at)
    {
        var names = unknown.StartsWith('-') ? Options(at) : at.Command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name);
        if (Suggestion.Of(unknown, names) is { } meant) yield return meant;
    }

    private static IEnumerable<string> Options(CommandResult at)
    {
        var own = at.Command.Options.Select(o => o.Name);
        for (var above = at.Parent; above is CommandResult parent; above = parent.Parent) own = own.Concat(parent.Command.Options.Where(o => o.Recursive).Select(o => o.Name));
        return own;
    }

    private static string Path(CommandResult at) => at.Parent is CommandResult parent ? $"{Path(parent)} {at.Command.Name}" : "gristmill";

    private sealed record Failure(
        string Error, [property: System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)] string? Hint, int Status);
}
