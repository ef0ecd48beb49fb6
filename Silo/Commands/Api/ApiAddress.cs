using System.CommandLine;

namespace Gristmill.Silo.Commands.Api;

/// <summary>
/// The HTTP API that a command is meant for: --api, or GRISTMILL_API where no flag names a Redis. The key comes from
/// GRISTMILL_API_KEY, a file, or a flag, which anybody on the machine can read in its list of processes.
/// </summary>
/// <param name="Url">Where the API is, without a path of its own.</param>
/// <param name="Key">The access key; null for none.</param>
internal sealed record ApiAddress(Uri Url, string? Key)
{
    /// <summary>The variable that names the API.</summary>
    public const string Variable = "GRISTMILL_API";

    /// <summary>The variable that has the key.</summary>
    public const string KeyVariable = "GRISTMILL_API_KEY";

    private const int MaxKeyLength = 4096;
    private const string Form = "An address reads http://host:8080, or https://host/prefix behind a proxy.";

    /// <summary>Whether the key would be read by whoever sees the network.</summary>
    public bool ShowsKey => Key is not null && Url.Scheme == Uri.UriSchemeHttp && !Url.IsLoopback;

    /// <summary>The API; null when the command is meant for a Redis.</summary>
    /// <exception cref="CommandException">What is given does not go together, or is malformed.</exception>
    public static ApiAddress? Find(ParseResult parsed, GlobalOptions globals, CommandEnvironment environment)
    {
        var flag = parsed.GetValue(globals.Api);
        var redis = parsed.GetValue(globals.Redis);
        if (flag is not null && redis is not null) throw CommandException.BadUsage("--api and --redis are both given; a command goes to one of them.");
        var (source, text) = flag is not null ? ("--api", flag) : (Variable, redis is null ? environment.Variable(Variable) : null);
        if (string.IsNullOrWhiteSpace(text))
        {
            if (flag is not null) throw CommandException.BadUsage("--api is empty.", Form);
            if ((parsed.GetValue(globals.ApiKey) ?? parsed.GetValue(globals.ApiKeyFile)) is null) return null;
            throw CommandException.BadUsage("An access key goes with --api or GRISTMILL_API; a Redis has its password in its address.");
        }

        if (parsed.GetValue(globals.Service) is not null)
        {
            throw CommandException.BadUsage($"--service goes with a Redis, and {source} names an HTTP API: its silo has a service of its own.");
        }

        return new ApiAddress(Parse(text.Trim(), source), KeyOf(parsed, globals, environment));
    }

    // What does not parse is not quoted: it may have a password in it.
    private static Uri Parse(string text, string source)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps))
        {
            throw CommandException.BadUsage($"The address in {source} is none of an HTTP API.", Form);
        }

        if (url.UserInfo.Length > 0) throw CommandException.BadUsage($"The address in {source} has a user or password; the access key stands in {KeyVariable}.");
        return url.Query.Length == 0 && url.Fragment.Length == 0 ? url : throw CommandException.BadUsage($"The address in {source} has a query or fragment.", Form);
    }

    private static string? KeyOf(ParseResult parsed, GlobalOptions globals, CommandEnvironment environment)
    {
        var (flag, file) = (parsed.GetValue(globals.ApiKey), parsed.GetValue(globals.ApiKeyFile));
        if (flag is not null && file is not null) throw CommandException.BadUsage("--api-key and --api-key-file are both given; a command has one key.");
        if (flag is not null) return Checked("--api-key", flag);
        if (file is not null) return Checked("--api-key-file", FirstLine(Path.Combine(environment.Folder, file)));
        return environment.Variable(KeyVariable) is { Length: > 0 } variable ? Checked(KeyVariable, variable) : null;
    }

    private static string FirstLine(string file)
    {
        try
        {
            return File.ReadLines(file).FirstOrDefault() ?? string.Empty;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.BadUsage($"The access key cannot be read: {e.Message}");
        }
    }

    private static string Checked(string source, string given)
    {
        var key = given.Trim();
        return key.Length is > 0 and <= MaxKeyLength && key.All(c => c is > ' ' and <= '~')
            ? key
            : throw CommandException.BadUsage($"The access key in {source} is none: it has 1 to {MaxKeyLength} visible characters, and no blanks.");
    }
}
