using System.Reflection;

namespace Gristmill.Testing;

/// <summary>Microsoft Garnet from its NuGet tool package. Keeps its data in an append-only file.</summary>
public sealed class GarnetServer : ServerProcess
{
    private GarnetServer(string? password) => Password = password;

    public override StoreKind Kind => StoreKind.Garnet;

    /// <summary>GarnetServer.dll in the folder of NuGet packages, as it stood at build.</summary>
    public static string Program { get; } = typeof(GarnetServer).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(a => a.Key == "GarnetServerPath").Value!;

    protected override string? Password { get; }

    public static async Task<GarnetServer> StartAsync(string? password = null)
    {
        var server = new GarnetServer(password);
        await server.StartFirstAsync();
        return server;
    }

    /// <summary>Garnet commits its append-only file behind the replies, and not always at SIGTERM: so it is told to first.</summary>
    public override async Task StopAsync()
    {
        Thaw();
        var reply = await SayAsync("COMMITAOF");
        if (!reply.StartsWith('+'))
        {
            throw new InvalidOperationException($"Garnet answered to COMMITAOF: {reply}");
        }

        await TerminateAsync();
    }

    protected override (string Program, IEnumerable<string> Arguments) CommandLine()
    {
        List<string> arguments =
        [
            Program, "--bind", Host, "--port", $"{Port}", "--lua", "--lua-transaction-mode", "--aof",
            "--device-type", "RandomAccess", "--recover", "--checkpointdir", Folder, "--memory", "1g", "--index", "16m",
        ];
        if (Password is not null)
        {
            arguments.AddRange(["--auth", "Password", "--password", Password]);
        }

        return ("dotnet", arguments);
    }
}
