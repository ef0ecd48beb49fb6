using Gristmill.Silo.Commands;
using Gristmill.Silo.Tests.Commands;
using Gristmill.Silo.Tests.Faults.Support;

namespace Gristmill.Silo.Tests.Cluster;

/// <summary>`gristmill …` against the cluster of a bench, in this process.</summary>
internal static class ClusterCommand
{
    public static async Task<CommandResult> RunAsync(FaultBench bench, params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var variables = new Dictionary<string, string> { ["REDIS_URL"] = bench.Server.Url, ["Gristmill__Service"] = FaultBench.Service };
        var environment = new CommandEnvironment
        {
            Out = output,
            Error = error,
            In = new StringReader(string.Empty),
            Variable = name => variables.GetValueOrDefault(name),
            Folder = bench.Folder,
        };
        var tree = GristmillCommands.Build(environment, new GlobalOptions());
        var status = await GristmillCommands.RunAsync(tree, arguments, environment, TestContext.Current.CancellationToken);
        return new CommandResult(status, output.ToString(), error.ToString());
    }
}
