using Gristmill.Grains.Silo;

namespace Gristmill.Silo.Findings;

/// <summary>
/// A silo that is no member of its cluster, or cannot know whether it still is one: the others neither find nor call what
/// runs here. Of the default engine; one that stops has left on purpose.
/// </summary>
internal sealed class MembershipFinding(IClusterMembershipService cluster, SiloLife life) : IOwnFindings
{
    private const string Action = "See that Redis answers this silo and lets it write; the silo joins again by itself.";

    public IReadOnlyList<Finding> Current => cluster.IsCutOff && life.State != "stopping"
        ? [new Finding("cut_off", Finding.Error, null, $"The silo is cut off from its cluster: its membership is not renewed. {cluster.Trouble ?? "Redis does not answer."}", Action)]
        : [];
}
