using System.CommandLine;

namespace Gristmill.Silo.Commands;

/// <summary>The options of all commands.</summary>
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

    public Option<bool> Json { get; } = new("--json") { Description = "Write JSON, for scripts.", Recursive = true };

    public void AddTo(RootCommand root)
    {
        root.Add(Redis);
        root.Add(Service);
        root.Add(Json);
    }
}
