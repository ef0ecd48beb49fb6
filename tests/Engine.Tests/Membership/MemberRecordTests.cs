using System.Text;

namespace Gristmill.Engine.Tests.Membership;

/// <summary>Records of members of other versions: what this one does not know is skipped, and hides nobody.</summary>
public sealed class MemberRecordTests
{
    private static readonly string Id = new SiloAddress("next", Guid.NewGuid()).Id;

    [Fact]
    public void Record_of_a_later_version_is_read_with_what_is_known_of_it()
    {
        var member = Read("""{"status":"active","host":"h","pid":7,"startedAt":1,"version":"9.1","protocol":[1,4,9],"grains":["mill","new"],"zone":{"name":"a"},"weights":[1,2]}""")!;
        Assert.Equal((SiloStatus.Active, "h", 7, "9.1", 1, 4), (member.Status, member.Host, member.ProcessId, member.Version, member.OldestProtocol, member.NewestProtocol));
        Assert.Equal(["mill", "new"], member.GrainClasses);
    }

    [Fact]
    public void Record_of_an_earlier_version_is_read_without_what_it_lacks()
    {
        var member = Read("{}")!;
        Assert.Equal((SiloStatus.Joining, 1, 1, 0), (member.Status, member.OldestProtocol, member.NewestProtocol, member.GrainClasses.Count));
    }

    [Theory]
    [InlineData("\"resting\"")]
    [InlineData("null")]
    public void Status_of_a_later_version_hides_no_member_and_takes_nothing_new(string status)
    {
        var member = Read($$"""{"status":{{status}},"grains":["mill"]}""")!;
        Assert.Equal(SiloStatus.Joining, member.Status);
        Assert.Empty(new ClusterMembershipSnapshot(1, [member]).HostsOf("mill"));
    }

    [Theory]
    [InlineData("[1,1]", true)]
    [InlineData("[1,9]", true)]
    [InlineData("[2,9]", false)]
    public void Grains_are_placed_where_this_silos_messages_are_read(string protocol, bool placed) =>
        Assert.Equal(placed ? 1 : 0, new ClusterMembershipSnapshot(1, [Read($$"""{"status":"active","protocol":{{protocol}},"grains":["mill"]}""")!]).HostsOf("mill").Length);

    private static ClusterMember? Read(string json) => MemberRecord.Read(Id, Encoding.UTF8.GetBytes(json));
}
