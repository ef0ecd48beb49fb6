using System.Reflection;
using System.Runtime.InteropServices;

namespace Gristmill.Silo.EmbeddedStore;

/// <summary>Where Microsoft Garnet and the `dotnet` that runs it are on this machine.</summary>
internal static class GarnetPackage
{
    private const string Server = "GarnetServer.dll";

    /// <summary>
    /// GarnetServer.dll: beside the published silo under garnet/, or in the folder of NuGet packages where the silo was
    /// built.
    /// </summary>
    /// <exception cref="EmbeddedStoreException">It is in neither place.</exception>
    public static string FindServer()
    {
        string[] places = [Path.Combine(AppContext.BaseDirectory, "garnet", Server), Built()];
        return places.FirstOrDefault(File.Exists) ?? throw new EmbeddedStoreException(
            $"No Redis is configured, and the embedded store is not here: neither {string.Join(" nor ", places)} exists. " +
            "Name a Redis with --redis redis://host:6379 (or REDIS_URL), or publish the silo again with `dotnet publish Silo`.");
    }

    /// <summary>The `dotnet` that runs this process's framework; where that is not laid out as usual, the one on the PATH.</summary>
    public static string FindDotnet()
    {
        // …/shared/Microsoft.NETCore.App/10.0.0/ stands three folders below the program.
        var program = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));
        return File.Exists(program) ? program : "dotnet";
    }

    private static string Built() => typeof(GarnetPackage).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(a => a.Key == "GarnetServerPath").Value!;
}
