using Gristmill.Redis;

namespace Gristmill.Silo.Commands;

/// <summary>Finds the Redis that a command is meant for: flag, environment, appsettings.json, embedded store.</summary>
internal static class RedisAddress
{
    /// <summary>Where the embedded store says how it is reached, below its folder.</summary>
    public const string EndpointFile = "endpoint";

    /// <summary>What to do without a Redis.</summary>
    public const string Hint = "Start a silo here, which brings a store with it: gristmill silo --queue NAME --worker 'COMMAND'; or set REDIS_URL, or pass --redis redis://localhost:6379/0.";

    private const string DefaultFolder = "./.gristmill";

    /// <summary>The address, with its secrets.</summary>
    /// <param name="flag">What --redis says.</param>
    /// <param name="environment">The world.</param>
    /// <param name="isEmbedded">Whether it is that of an embedded store, which may have ended without saying so.</param>
    /// <exception cref="CommandException">There is none, or it is malformed.</exception>
    public static string Find(string? flag, CommandEnvironment environment, out bool isEmbedded)
    {
        var (source, address) = Candidates(flag, environment).FirstOrDefault(c => !string.IsNullOrWhiteSpace(c.Address));
        if (address is null)
        {
            throw new CommandException(
                "No Redis is given, and no embedded store runs in this folder.",
                Hint);
        }

        if (new RedisOptions { Url = address.Trim() }.Validate() is { Count: > 0 } wrong)
        {
            throw CommandException.BadUsage($"The address in {source} is not usable: {string.Join(" ", wrong)}", "An address reads redis://user:password@host:6379/0, or rediss:// for TLS.");
        }

        isEmbedded = Path.GetFileName(source) == EndpointFile;
        return address.Trim();
    }

    /// <summary>Whether an address is given, or an embedded store runs here.</summary>
    public static bool IsGiven(string? flag, CommandEnvironment environment) => Candidates(flag, environment).Any(c => !string.IsNullOrWhiteSpace(c.Address));

    /// <summary>A setting of the environment or of appsettings.json.</summary>
    public static string? Setting(string name, CommandEnvironment environment) =>
        environment.Variable($"Gristmill__{name.Replace(":", "__", StringComparison.Ordinal)}") is { Length: > 0 } variable ? variable : FromFile(environment, name);

    private static IEnumerable<(string Source, string? Address)> Candidates(string? flag, CommandEnvironment environment)
    {
        yield return ("--redis", flag);
        yield return ("Gristmill__Redis", environment.Variable("Gristmill__Redis"));
        yield return ("REDIS_URL", environment.Variable("REDIS_URL"));
        yield return ("appsettings.json", FromFile(environment, "Redis"));
        var folder = Setting("Embedded:Folder", environment) ?? DefaultFolder;
        var file = Path.Combine(environment.Folder, folder, EndpointFile);
        yield return (file, FirstLine(file));
    }

    private static string? FirstLine(string file)
    {
        try
        {
            return File.ReadLines(file).FirstOrDefault();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static string? FromFile(CommandEnvironment environment, string name) =>
        new ConfigurationBuilder().SetBasePath(environment.Folder).AddJsonFile("appsettings.json", optional: true).Build()[$"Gristmill:{name}"];
}
