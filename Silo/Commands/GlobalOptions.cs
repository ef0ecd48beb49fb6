using System.CommandLine;

namespace Gristmill.Silo.Commands;

/// <summary>The options of all commands, and those of the commands that also speak to the HTTP API.</summary>
internal sealed class GlobalOptions
{
    public Option<string?> Redis { get; } = new("--redis")
    {
        Description = "Address of the Redis, such as redis://localhost:6379/0. Default: Gristmill__Redis, REDIS_URL, appsettings.json, or the embedded store that runs here.",
        HelpName = "url",
        Recursive = true,
    };

    public Option<string?> Service { get; } = new("--service")
    {
        Description = "The service id of the cluster. Default: Gristmill__Service, or default.",
        HelpName = "id",
        Recursive = true,
    };

    public Option<bool> Json { get; } = new("--json") { Description = "Write JSON, for scripts; errors too.", Recursive = true };

    public Option<string?> Api { get; } = new("--api")
    {
        Description = "Address of the HTTP API of a silo, such as http://host:8080, to go there in place of a Redis. Default: GRISTMILL_API, when --redis is not given.",
        HelpName = "url",
        Recursive = true,
    };

    public Option<string?> ApiKey { get; } = new("--api-key")
    {
        Description = "The API's access key. Others on this machine can read it in the list of processes: better GRISTMILL_API_KEY or --api-key-file.",
        HelpName = "key",
        Recursive = true,
    };

    public Option<string?> ApiKeyFile { get; } = new("--api-key-file") { Description = "A file whose first line is the API's access key.", HelpName = "file", Recursive = true };

    public void AddTo(RootCommand root)
    {
        root.Add(Redis);
        root.Add(Service);
        root.Add(Json);
    }

    /// <summary>Lets a command, and those below it, speak to the HTTP API too.</summary>
    public Command WithApi(Command command)
    {
        command.Add(Api);
        command.Add(ApiKey);
        command.Add(ApiKeyFile);
        return command;
    }
}
