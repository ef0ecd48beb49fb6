using Gristmill.Testing;

namespace Gristmill.Engine.Tests.Membership;

/// <summary>The membership scripts on both servers: who comes, who goes, and what a pause or a step of the clock does to nobody.</summary>
public sealed class MembershipTableTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly TimeSpan Ttl = MemberTable.Ttl;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static IEnumerable<object[]> Both() => Stores.Both();

    [Theory, MemberData(nameof(Both))]
    public async Task Join_makes_a_member_and_tells_who_is_there(StoreKind kind)
    {
        await using var table = await TableAsync(kind);
        var (one, two) = (NewId("one"), NewId("two"));
        var first = await table.RenewAsync(one, RenewMode.Join);
        Assert.True(first.IsMember);
        Assert.Equal([one], Ids(first));
        var second = await table.RenewAsync(two, RenewMode.Join);
        Assert.True(second.Version > first.Version);
        Assert.Equal(new[] { one, two }.Order(), Ids(second).Order());
        Assert.Equal("mill", second.Members![0].GrainClasses[0]);
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Renewal_without_a_change_keeps_the_version_and_sends_no_members(StoreKind kind)
    {
        await using var table = await TableAsync(kind);
        var one = NewId("one");
        var joined = await table.RenewAsync(one, RenewMode.Join);
        var renewed = await table.RenewAsync(one, RenewMode.Renew, known: joined.Version);
        Assert.Equal(joined.Version, renewed.Version);
        Assert.Null(renewed.Members);
        var drains = await table.RenewAsync(one, RenewMode.Renew, known: joined.Version, status: SiloStatus.ShuttingDown);
        Assert.True(drains.Version > joined.Version);
        Assert.Equal(SiloStatus.ShuttingDown, drains.Members!.Single().Status);
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Member_that_does_not_renew_is_counted_out_and_never_comes_back(StoreKind kind)
    {
        await using var table = await TableAsync(kind);
        var (one, two) = (NewId("one"), NewId("two"));
        await table.RenewAsync(one, RenewMode.Join);
        var both = await table.RenewAsync(two, RenewMode.Join);
        await table.EndNowAsync(one);
        var alone = await table.RenewAsync(two, RenewMode.Renew, known: both.Version);
        Assert.Equal([two], Ids(alone));
        Assert.Equal([one], alone.Dead);
        Assert.False((await table.RenewAsync(one, RenewMode.Renew)).IsMember);
        Assert.False((await table.RenewAsync(one, RenewMode.Join)).IsMember);
        Assert.True((await table.RenewAsync(NewId("one"), RenewMode.Rejoin)).IsMember);
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Gap_between_renewals_extends_all_and_counts_nobody_out(StoreKind kind)
    {
        await using var table = await TableAsync(kind);
        var (one, two) = (NewId("one"), NewId("two"));
        await table.RenewAsync(one, RenewMode.Join);
        await table.RenewAsync(two, RenewMode.Join);
        await table.EndNowAsync(one);
        await table.MoveTickAsync(TimeSpan.FromSeconds(-60));
        Assert.Equal(2, Ids(await table.RenewAsync(two, RenewMode.Renew)).Count());
        Assert.InRange((await table.EndsInAsync(one)).TotalSeconds, 4, 66);
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Step_of_the_clock_back_leaves_no_membership_that_lasts_for_ever(StoreKind kind)
    {
        await using var table = await TableAsync(kind);
        var (one, two) = (NewId("one"), NewId("two"));
        await table.RenewAsync(one, RenewMode.Join);
        await table.RenewAsync(two, RenewMode.Join);

        // As if the last renewals had been made by a clock that went an hour ahead.
        await table.MoveTickAsync(TimeSpan.FromHours(1));
        await table.MoveEndAsync(one, TimeSpan.FromHours(1));
        Assert.Equal(2, Ids(await table.RenewAsync(two, RenewMode.Renew)).Count());
        Assert.InRange((await table.EndsInAsync(one)).TotalSeconds, 3, 7);
    }

    [Theory, MemberData(nameof(Both))]
    public async Task First_join_of_a_process_ends_the_older_generation_of_its_name(StoreKind kind)
    {
        await using var table = await TableAsync(kind);
        var (old, other, young) = (NewId("one"), NewId("one-more"), NewId("one"));
        await table.RenewAsync(old, RenewMode.Join);
        await table.RenewAsync(other, RenewMode.Join);
        Assert.Equal(new[] { other, young }.Order(), Ids(await table.RenewAsync(young, RenewMode.Join)).Order());
        Assert.False((await table.RenewAsync(old, RenewMode.Renew)).IsMember);

        // A process that comes back ends nobody: two of one name must not chase each other.
        Assert.Equal(3, Ids(await table.RenewAsync(NewId("one"), RenewMode.Rejoin)).Count());
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Leave_ends_a_membership_and_is_announced(StoreKind kind)
    {
        await using var table = await TableAsync(kind);
        var (one, two) = (NewId("one"), NewId("two"));
        await using var watched = table.WatchAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await watched.MoveNextAsync());
        await table.RenewAsync(one, RenewMode.Join);
        var joined = await table.RenewAsync(two, RenewMode.Join);
        await table.LeaveAsync(one);
        for (var announced = 0; announced < 3; announced++)
            Assert.True(await watched.MoveNextAsync());
        Assert.Equal(joined.Version + 1, watched.Current);
        Assert.Equal([two], Ids(await table.RenewAsync(two, RenewMode.Renew, known: joined.Version)));
        Assert.False((await table.RenewAsync(one, RenewMode.Renew)).IsMember);
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Purge_takes_what_a_former_member_left_and_nothing_of_others(StoreKind kind)
    {
        await using var table = await TableAsync(kind);
        var (one, two) = (NewId("one"), NewId("two"));
        await table.RenewAsync(one, RenewMode.Join);
        await table.RenewAsync(two, RenewMode.Join);
        var grains = Enumerable.Range(0, 25).Select(n => new GrainId("mill", $"{n}")).ToList();
        Assert.All((await table.Directory.RegisterAsync(one, grains, Cancel))!, holder => Assert.Equal(one, holder));
        await table.LeaveAsync(one);
        Assert.All((await table.Directory.LookupAsync(grains, Cancel))!, Assert.Null);
        Assert.Equal([two], (await table.Directory.RegisterAsync(two, [grains[0]], Cancel))!);
        Assert.Equal(15, await table.PurgeAsync(one, 10));
        Assert.Equal(5, await table.PurgeAsync(one, 10));
        Assert.Equal(0, await table.PurgeAsync(one, 10));
        Assert.Equal(1, await table.CountAsync("ZCARD", table.Keys.Dead));
        await table.DiedLongAgoAsync(one);
        Assert.Equal(0, await table.PurgeAsync(one, 10));
        Assert.Equal(1, await table.CountAsync("HLEN", table.Keys.Directory));
        Assert.Equal(0, await table.CountAsync("ZCARD", table.Keys.Dead));
        Assert.Equal([two], await table.Directory.LookupAsync([grains[0]], Cancel));
    }

    [Theory, MemberData(nameof(Both))]
    public async Task List_tells_the_members_and_their_loads(StoreKind kind)
    {
        await using var table = await TableAsync(kind);
        var one = NewId("one");
        await table.RenewAsync(one, RenewMode.Join);
        var member = Assert.Single(await table.ListAsync(Cancel));
        Assert.Equal((one, 7, 3), (member.Member.SiloAddress.Id, member.Activations, member.CallsInFlight));
        Assert.InRange(member.EndsIn, TimeSpan.FromSeconds(3), Ttl);
    }

    private static string NewId(string name) => new SiloAddress(name, Guid.NewGuid()).Id;

    private static IEnumerable<string> Ids(RenewReply reply) => reply.Members!.Select(m => m.SiloAddress.Id);

    private async Task<MemberTable> TableAsync(StoreKind kind) => new((await stores.GetAsync(kind)).Url);
}
