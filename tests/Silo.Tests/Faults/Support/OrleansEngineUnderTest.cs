namespace Gristmill.Silo.Tests.Faults.Support;

/// <summary>What tests of silos must know of the engine that they were built with: Orleans.</summary>
internal static class EngineUnderTest
{
    /// <summary>
    /// Whether a silo that was counted out, since it was frozen, joins anew once it goes on. To Orleans it is dead for good: it
    /// ends, with a status by which it is started again.
    /// </summary>
    public static bool Rejoins => false;

    /// <summary>How long a silo must be frozen until the others have certainly counted it out: three probes of up to 2 s, and votes.</summary>
    public static TimeSpan CountsOutWithin => TimeSpan.FromSeconds(12);

    /// <summary>What the engine says when it starts.</summary>
    public const string SaysStarting = "Orleans has reached Redis";

    /// <summary>What a silo says when it has joined; null for nothing.</summary>
    public static string? SaysJoined => null;

    /// <summary>The sorted sets that are empty while nobody is a member: Orleans keeps those that were members, as dead.</summary>
    public static string[] KeysOfMembers => [];

    /// <summary>What `dotnet publish` needs to take this engine.</summary>
    public static string[] BuildArguments => ["-p:GrainEngine=Orleans"];

    /// <summary>What makes silos wait longer before they count one out.</summary>
    public static IReadOnlyDictionary<string, string> Patient { get; } = new Dictionary<string, string> { ["Gristmill__Orleans__ProbeSeconds"] = "30" };
}
