using Gristmill.Testing;

namespace Gristmill.Engine.Tests.Membership;

/// <summary>What somebody has written among the members by hand, or what a fault has left: nobody takes it for a member for long, and no member is hurt by it.</summary>
public sealed class StrangerTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string Record = """{"status":"active","grains":["mill"]}""";

    public static IEnumerable<object[]> Both() => Stores.Both();

    [Theory, MemberData(nameof(Both))]
    public async Task Record_without_a_membership_is_taken_out_and_named(StoreKind kind)
    {
        await using var table = await TableAsync(kind);
        var (one, fake) = (NewId("one"), NewId("fake"));
        var joined = await table.RenewAsync(one, RenewMode.Join);
        await table.DoAsync("HSET", table.Keys.Members, fake, Record, "garbage", "{");
        await table.DoAsync("HSET", table.Keys.Loads, fake, "1 1");
        var renewed = await table.RenewAsync(one, RenewMode.Renew, known: joined.Version);
        Assert.Equal(new[] { fake, "garbage" }.Order(), renewed.Strangers.Order());
        Assert.Null(renewed.Members);
        Assert.Equal((1, 1), (await table.CountAsync("HLEN", table.Keys.Members), await table.CountAsync("HLEN", table.Keys.Loads)));
        Assert.Empty((await table.RenewAsync(one, RenewMode.Renew)).Strangers);
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Record_that_cannot_be_read_is_named_and_hurts_no_other_member(StoreKind kind)
    {
        await using var table = await TableAsync(kind);
        var (one, two) = (NewId("one"), NewId("two"));
        await table.RenewAsync(one, RenewMode.Join);
        await table.RenewAsync(two, RenewMode.Join);
        await table.DoAsync("HSET", table.Keys.Members, two, "{\"status\":7,");
        var seen = await table.RenewAsync(one, RenewMode.Renew);
        Assert.Equal([one], Ids(seen));
        Assert.Equal([two], seen.Unreadable);
        Assert.Equal([one], (await table.ListAsync(TestContext.Current.CancellationToken)).Select(m => m.Member.SiloAddress.Id));

        // Who renews writes its record again.
        Assert.Equal(new[] { one, two }.Order(), Ids(await table.RenewAsync(two, RenewMode.Renew)).Order());
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task Membership_that_ends_in_the_far_future_lasts_no_longer_than_one_renewal(StoreKind kind, string end)
    {
        await using var table = await TableAsync(kind);
        var (one, fake) = (NewId("one"), NewId("fake"));
        await table.RenewAsync(one, RenewMode.Join);
        await table.DoAsync("HSET", table.Keys.Members, fake, Record);
        await table.DoAsync("ZADD", table.Keys.Alive, end, fake);
        await table.ListAsync(TestContext.Current.CancellationToken);
        Assert.Equal([fake], (await table.RenewAsync(one, RenewMode.Renew)).Strangers);
        Assert.InRange(await table.EndsInAsync(fake), TimeSpan.FromSeconds(3), MemberTable.Ttl);
        await table.EndNowAsync(fake);
        Assert.Equal([one], Ids(await table.RenewAsync(one, RenewMode.Renew)));
    }

    public static IEnumerable<object[]> Ends() =>
        from kind in Both() from end in (string[])["9999999999999", "1e300", "+inf"] select (object[])[kind[0], end];

    [Theory, MemberData(nameof(Both))]
    public async Task Ids_that_are_none_are_taken_out_everywhere_and_keep_nobody_from_being_purged(StoreKind kind)
    {
        await using var table = await TableAsync(kind);
        var (one, two) = (NewId("one"), NewId("two"));
        var shouted = two[..^32] + two[^32..].ToUpperInvariant();
        await table.RenewAsync(one, RenewMode.Join);
        await table.RenewAsync(two, RenewMode.Join);
        foreach (var id in (string[])["no id", "", "@", "a@b", shouted])
        {
            await table.DoAsync("ZADD", table.Keys.Alive, "1", id);
            await table.DoAsync("HSET", table.Keys.Members, id, Record);
        }

        for (var n = 0; n < 20; n++) await table.DoAsync("ZADD", table.Keys.Dead, "1", $"nobody {n}");
        await table.LeaveAsync(two);
        var first = await table.RenewAsync(one, RenewMode.Renew);
        Assert.Equal([one], Ids(first));
        Assert.Contains(shouted, first.Strangers);
        RenewReply last;
        do last = await table.RenewAsync(one, RenewMode.Renew);
        while (last.Strangers.Count > 0);
        Assert.Equal([two], last.Dead);
        Assert.Equal((1, 1, 1), (await table.CountAsync("ZCARD", table.Keys.Alive), await table.CountAsync("HLEN", table.Keys.Members), await table.CountAsync("ZCARD", table.Keys.Dead)));
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Second_spelling_of_a_members_id_is_no_member(StoreKind kind)
    {
        await using var table = await TableAsync(kind);
        var one = NewId("one");
        var shouted = one[..^32] + one[^32..].ToUpperInvariant();
        await table.RenewAsync(one, RenewMode.Join);
        await table.DoAsync("ZADD", table.Keys.Alive, $"{DateTimeOffset.UtcNow.AddSeconds(30).ToUnixTimeMilliseconds()}", shouted);
        await table.DoAsync("HSET", table.Keys.Members, shouted, Record);
        var seen = await table.RenewAsync(one, RenewMode.Renew);
        _ = new ClusterMembershipSnapshot(seen.Version, seen.Members!);
        Assert.Equal([one], Ids(seen));
        Assert.Equal([shouted], seen.Unreadable);
    }

    [Theory]
    [MemberData(nameof(Views))]
    public async Task Garbled_view_begins_anew_and_stops_nobody(StoreKind kind, string field, string value)
    {
        await using var table = await TableAsync(kind);
        var (one, two) = (NewId("one"), NewId("two"));
        await table.RenewAsync(one, RenewMode.Join);
        await table.RenewAsync(two, RenewMode.Join);
        await table.DoAsync("HSET", table.Keys.View, field, value);
        var seen = await table.RenewAsync(one, RenewMode.Renew);
        Assert.Equal(2, Ids(seen).Length);
        await table.DoAsync("HSET", table.Keys.View, field, value);
        await table.LeaveAsync(two);
        Assert.Equal([one], Ids(await table.RenewAsync(one, RenewMode.Renew)));
    }

    public static IEnumerable<object[]> Views() =>
        from kind in Both()
        from field in (string[])["version", "tick"]
        from value in (string[])["", "abc", "-5", "1e300", "nan", "99999999999999999999"]
        select (object[])[kind[0], field, value];

    private static string NewId(string name) => new SiloAddress(name, Guid.NewGuid()).Id;

    private static string[] Ids(RenewReply reply) => [.. reply.Members!.Select(m => m.SiloAddress.Id)];

    private async Task<MemberTable> TableAsync(StoreKind kind) => new((await stores.GetAsync(kind)).Url);
}
