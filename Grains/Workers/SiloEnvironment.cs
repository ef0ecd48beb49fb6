namespace Gristmill.Grains.Workers;

/// <summary>Which variables of the environment are the silo's own: they say where Redis is, with its password, and what keys open.</summary>
internal static class SiloEnvironment
{
    // The prefixes that .NET hosts take away before they read the rest as configuration.
    private static readonly string[] HostPrefixes = ["DOTNET_", "ASPNETCORE_"];

    /// <summary>Whether a silo reads its options, or the address of Redis, from a variable of this name.</summary>
    public static bool Configures(string name)
    {
        var prefix = HostPrefixes.FirstOrDefault(p => name.StartsWith(p, StringComparison.OrdinalIgnoreCase));
        var option = prefix is null ? name : name[prefix.Length..];
        return option.Equals("REDIS_URL", StringComparison.OrdinalIgnoreCase) ||
            option.StartsWith("Gristmill__", StringComparison.OrdinalIgnoreCase) ||
            option.StartsWith("Gristmill:", StringComparison.OrdinalIgnoreCase) ||
            option.StartsWith("GRISTMILL_API", StringComparison.OrdinalIgnoreCase) ||
            option.StartsWith("Kestrel__", StringComparison.OrdinalIgnoreCase);
    }
}
