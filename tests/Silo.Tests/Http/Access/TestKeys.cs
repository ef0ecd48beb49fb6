using Gristmill.Grains.Options;
using Gristmill.Silo.Http.Access;

namespace Gristmill.Silo.Tests.Http.Access;

/// <summary>A key of each role.</summary>
internal static class TestKeys
{
    public static string Read { get; } = AccessKeys.New();

    public static string Operate { get; } = AccessKeys.New();

    public static string Admin { get; } = AccessKeys.New();

    public static IEnumerable<string> All => [Read, Operate, Admin];

    /// <summary>A silo that knows them.</summary>
    public static void Set(GristmillOptions options) => options.Access.Keys =
    [
        new() { Name = "viewer", Role = AccessRole.Read, Hash = AccessKeys.HashOf(Read) },
        new() { Name = "ci", Role = AccessRole.Operate, Hash = AccessKeys.HashOf(Operate) },
        new() { Name = "chief", Role = AccessRole.Admin, Hash = AccessKeys.HashOf(Admin).ToUpperInvariant() },
    ];

    public static (string, string) Bearer(string key) => ("Authorization", $"Bearer {key}");
}
