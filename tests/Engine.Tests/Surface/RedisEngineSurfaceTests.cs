namespace Gristmill.Engine.Tests.Surface;

public sealed partial class OrleansSurfaceTests
{
    // What hosts use to run the engine: its own, not Orleans'.
    private static readonly string[] Own =
    [
        nameof(GrainEngineOptions), nameof(GrainEngineServiceCollectionExtensions), nameof(IClusterMembershipService),
        nameof(ClusterMembershipSnapshot), nameof(ClusterMember), nameof(ClusterMemberState), nameof(SiloStatus), nameof(SiloAddress),
    ];

    [Fact]
    public void Public_surface_of_the_engine_is_the_list()
    {
        var declared = typeof(Grain).Assembly.GetExportedTypes()
            .Where(t => t.Namespace == "Gristmill.Engine" && !Own.Contains(t.Name))
            .OrderBy(t => t.Name, StringComparer.Ordinal)
            .SelectMany(SurfaceOf);
        Assert.Equal(string.Join('\n', Listed()), string.Join('\n', declared));
    }
}
