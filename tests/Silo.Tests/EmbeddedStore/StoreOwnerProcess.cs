using System.Runtime.CompilerServices;
using Gristmill.Grains.Options;
using Gristmill.Silo.EmbeddedStore;
using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Silo.Tests.EmbeddedStore;

/// <summary>A process of its own that owns an embedded store, so that a test can kill it: this test program in another role.</summary>
internal static class StoreOwnerProcess
{
    private const string Folder = "GRISTMILL_TEST_STORE_FOLDER";

    public static async Task<ChildProcess> StartAsync(string folder)
    {
        var owner = await ChildProcess.StartAsync(
            "dotnet", [typeof(StoreOwnerProcess).Assembly.Location], environment: new Dictionary<string, string> { [Folder] = folder });
        await Eventually.TrueAsync("the owner's store serves", () => owner.Output.Contains("redis://", StringComparison.Ordinal));
        return owner;
    }

    /// <summary>Runs before the tests' own Main; returns at once in every process but the owner.</summary>
    [ModuleInitializer]
    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(Folder) is not { } folder)
        {
            return;
        }

        var store = EmbeddedGarnet.StartAsync(
            new EmbeddedStoreOptions { Folder = folder, MemoryMiB = 64 }, NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None).GetAwaiter().GetResult();
        Console.Out.WriteLine($"{store.Url} {store.ServerProcessId}");
        Console.In.ReadLine();
        store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Environment.Exit(0);
    }
}
