namespace Gristmill.Silo.Tests.Faults.Support;

/// <summary>What tests of silos must know of the engine that they were built with: the default one.</summary>
internal static class EngineUnderTest
{
    /// <summary>Whether a silo that was counted out, since it was frozen, joins anew once it goes on.</summary>
    public static bool Rejoins => true;

    /// <summary>How long a silo must be frozen until the others have certainly counted it out, beyond its lease.</summary>
    public static TimeSpan CountsOutWithin => TimeSpan.Zero;

    /// <summary>What the engine says when it starts.</summary>
    public const string SaysStarting = "grain classes";

    /// <summary>What a silo says when it has joined; null for nothing.</summary>
    public static string? SaysJoined => "is a member of the cluster";

    /// <summary>The sorted sets that are empty while nobody is a member.</summary>
    public static string[] KeysOfMembers => [$"gristmill:cluster:{{{FaultBench.Service}/default}}:alive"];

    /// <summary>What `dotnet publish` needs to take this engine.</summary>
    public static string[] BuildArguments => [];

    /// <summary>What makes silos wait longer before they count one out.</summary>
    public static IReadOnlyDictionary<string, string> Patient { get; } = new Dictionary<string, string>();
}
