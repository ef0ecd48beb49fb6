using System.CommandLine;
using System.CommandLine.Parsing;
using Gristmill.Grains.Options;
using Gristmill.Silo.Configuration;
using Gristmill.Silo.EmbeddedStore;
using Gristmill.Silo.Hosting;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.LocalCluster;

/// <summary>`gristmill silo --count N`: checks the options once, starts the embedded store if it is needed, and runs the silos.</summary>
internal static class LocalClusterCommand
{
    /// <summary>The flag. A silo that the cluster starts gets all flags but this and the address.</summary>
    public static Option<int> Count { get; } = new("--count")
    {
        Description = "Silos to run, each a process of its own: 1 to 64. Ports are counted up from --url, names from the silo's.",
        DefaultValueFactory = _ => 1,
        Validators =
        {
            result =>
            {
                if (result.Tokens is [var token] && int.TryParse(token.Value, out var count) && count is < 1 or > LocalClusterOptions.MostSilos)
                    result.AddError($"--count is {count}; it must be from 1 to {LocalClusterOptions.MostSilos}.");
            },
        },
    };

    public static async Task<int> RunAsync(ParseResult parsed, GristmillFlags flags, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateBuilder();
        builder.AddGristmillOptions(flags);
        var options = GristmillConfiguration.Load(builder.Configuration, flags);
        using var loggers = LoggerFactory.Create(l => l.AddConfiguration(builder.Configuration.GetSection("Logging")).AddSimpleConsole(ConsoleLog.Form));
        await using var embedded = options.Redis is null
            ? await EmbeddedGarnet.StartAsync(options.Embedded, loggers, TimeProvider.System, cancellationToken)
            : null;
        var environment = new Dictionary<string, string>();
        if (embedded is not null) environment[$"{GristmillOptions.Section}__Redis"] = embedded.Url;
        var cluster = new LocalClusterOptions(
            parsed.GetValue(Count), Program(), Arguments(parsed), NameOf(options, builder.Configuration), new Uri(options.Url), environment,
            number => EngineHosting.EnvironmentOf(options, number));
        if (cluster.Url.Port + cluster.Count - 1 > ushort.MaxValue)
            throw new OptionsValidationException("Url", typeof(GristmillOptions), [$"Gristmill:Url is '{options.Url}'; the ports of {cluster.Count} silos, counted up from there, must end at {ushort.MaxValue}."]);
        using var run = new LocalCluster(cluster, Console.Out, TimeProvider.System);
        return await run.RunAsync(cancellationToken);
    }

    // The default name says the process, which here is not the silo's.
    private static string NameOf(GristmillOptions options, IConfiguration configuration) =>
        configuration[$"{GristmillOptions.Section}:SiloName"] is null ? Environment.MachineName : options.SiloName;

    private static string[] Program()
    {
        var path = Environment.ProcessPath!;
        return Path.GetFileNameWithoutExtension(path) == "dotnet" ? [path, typeof(LocalClusterCommand).Assembly.Location] : [path];
    }

    // What was typed, without --count and --url. A value is joined to its flag, so that one that looks like a flag stays a value.
    private static List<string> Arguments(ParseResult parsed)
    {
        var arguments = new List<string>();
        var skip = false;
        var flag = false;
        foreach (var token in parsed.Tokens)
        {
            if (token.Type == TokenType.Option) skip = token.Value is "--count" or "--url";
            if (skip) continue;
            if (flag && token.Type == TokenType.Argument) arguments[^1] += $"={token.Value}";
            else arguments.Add(token.Value);
            flag = token.Type == TokenType.Option;
        }

        return arguments;
    }
}
