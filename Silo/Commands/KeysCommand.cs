using System.CommandLine;
using System.Globalization;
using Gristmill.Grains.Options;
using Gristmill.Silo.Configuration;
using Gristmill.Silo.Http.Access;

namespace Gristmill.Silo.Commands;

/// <summary>`gristmill keys new`: makes a key for the HTTP API, and what a silo must be told of it. Keeps nothing and needs no Redis.</summary>
internal static class KeysCommand
{
    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var role = new Option<AccessRole>("--role") { Description = "What it may do: read, operate or admin.", Required = true };
        var name = new Option<string>("--name") { Description = "Whose it is, as the audit log will say.", HelpName = "name", Required = true };
        var make = new Command("new", "Makes a key, prints it this once, and what to set for the silos, which know only its hash.") { role, name };
        make.SetAction(CommandRun.Action(environment, globals, (run, _) =>
        {
            Write(run, run.Parsed.GetRequiredValue(name), run.Parsed.GetRequiredValue(role));
            return Task.FromResult(ExitStatus.Ok);
        }));
        return new Command("keys", "Keys for the HTTP API.") { make };
    }

    private static void Write(CommandRun run, string name, AccessRole role)
    {
        if (!AccessRules.IsName(name)) throw CommandException.BadUsage($"--name is '{name}'; it must be {AccessRules.NameForm}.");
        var key = AccessKeys.New();
        var made = new NewKey(key, name, role.ToString(), AccessKeys.HashOf(key));
        if (run.IsJson)
        {
            run.WriteJson(made);
            return;
        }

        var option = $"Gristmill__Access__Keys__{Free(run.Environment)}";
        run.WriteLine(
            $"""
            The key of '{name}', which is not shown again:

              {made.Key}

            For the environment of every silo:

              {option}__Name={made.Name}
              {option}__Role={made.Role}
              {option}__Hash={made.Hash}

            or for Gristmill:Access:Keys in appsettings.json:

              {JsonOf(made)}
            """);
    }

    private static string JsonOf(NewKey key) => $$"""{ "Name": "{{key.Name}}", "Role": "{{key.Role}}", "Hash": "{{key.Hash}}" }""";

    // The first number that this environment and folder do not use yet.
    private static string Free(CommandEnvironment environment)
    {
        var number = 0;
        while (RedisAddress.Setting($"Access:Keys:{number.ToString(CultureInfo.InvariantCulture)}:Name", environment) is not null) number++;
        return number.ToString(CultureInfo.InvariantCulture);
    }

    private sealed record NewKey(string Key, string Name, string Role, string Hash);
}
