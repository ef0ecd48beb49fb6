using System.Text.Json;
using Gristmill.Engine.Tests.Contract.Grains;
using Gristmill.Testing;

namespace Gristmill.Engine.Tests.Cluster;

/// <summary>
/// A member of a later version beside one of this: records and messages with members that this version does not know, kinds
/// of messages and versions of them that it does not read.
/// </summary>
public sealed class NextVersionTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly string Place = new GrainManifest([typeof(PlaceGrain)], _ => false).Classes.Single().Name;

    public static IEnumerable<object[]> Both() => Stores.Both();

    [Theory, MemberData(nameof(Both))]
    public async Task Member_of_a_later_version_is_seen_and_its_calls_are_answered(StoreKind kind)
    {
        var server = await stores.GetAsync(kind);
        await using var cluster = new TestCluster(server);
        await cluster.StartAsync("one");
        await using var next = await NextMember.JoinAsync(server, cluster, "[1,2]", []);
        var one = await SeesAsync(cluster, next);
        Assert.Equal("9.9.9", TestCluster.MembershipOf(cluster["one"]).CurrentSnapshot.Find(next.Id)!.Version);
        await next.SendAsync(one, Call(7, next, "a"));
        AssertAnswer("one", await next.ReceiveAsync(MessageKind.Reply), 7);
    }

    [Theory, MemberData(nameof(Both))]
    public async Task What_a_later_version_may_send_and_this_one_does_not_read_stops_nothing(StoreKind kind)
    {
        var server = await stores.GetAsync(kind);
        await using var cluster = new TestCluster(server);
        await cluster.StartAsync("one");
        await using var next = await NextMember.JoinAsync(server, cluster, "[1,2]", []);
        var one = await SeesAsync(cluster, next);
        await next.SendAsync(one, Call(1, next, "a"), message => message["1"] = 77);
        await next.SendAsync(one, Call(2, next, "a"), message => message["0"] = 2);
        await next.SendAsync(one, Call(3, next, "a"), message => message["4"] = "another form");
        await next.SendAsync(one, Call(4, next, "a"), message => message["4"]!["3"] = "Later");
        var refused = await next.ReceiveAsync(MessageKind.Reply);
        Assert.Equal((4, GristmillErrorKind.NotFound), (refused.Correlation, refused.Reply!.ErrorKind));
        await next.SendAsync(one, Call(5, next, "a"));
        AssertAnswer("one", await next.ReceiveAsync(MessageKind.Reply), 5);
    }

    [Theory, MemberData(nameof(Both))]
    public async Task Call_to_a_later_version_is_one_that_both_read_and_its_answer_is_read(StoreKind kind)
    {
        var server = await stores.GetAsync(kind);
        await using var cluster = new TestCluster(server);
        await cluster.StartAsync("one");
        await using var next = await NextMember.JoinAsync(server, cluster, "[1,2]", [Place]);
        var one = await SeesAsync(cluster, next);

        // Placed at random: some of these grains fall to the other.
        var calls = Enumerable.Range(0, 20).Select(n => cluster["one"].Grain<IPlaceGrain>($"{n}").Where()).ToList();
        var come = await next.ReceiveAsync(MessageKind.Call);
        Assert.Equal((1, one, Place), (come.Version, come.Sender, come.Call!.GrainType));
        await AnswerAsync(next, one, come);
        while (!calls.TrueForAll(c => c.IsCompleted))
        {
            var receive = next.ReceiveAsync(MessageKind.Call);
            if (await Task.WhenAny(receive, Task.WhenAll(calls)) != receive) break;
            await AnswerAsync(next, one, await receive);
        }

        Assert.Equal(["next", "one"], (await Task.WhenAll(calls)).Distinct().Order());
    }

    [Fact]
    public async Task Nothing_is_placed_on_a_member_that_reads_no_message_of_this_version()
    {
        var server = await stores.GetAsync(StoreKind.Redis);
        await using var cluster = new TestCluster(server);
        await cluster.StartAsync("one");
        await using var next = await NextMember.JoinAsync(server, cluster, "[2,3]", [Place]);
        await SeesAsync(cluster, next);
        var places = await Task.WhenAll(Enumerable.Range(0, 40).Select(n => cluster["one"].Grain<IPlaceGrain>($"{n}").Where()));
        Assert.Equal(["one"], places.Distinct());
    }

    private static Message Call(long correlation, NextMember next, string key) => new(
        1, MessageKind.Call, correlation, next.Id,
        Call: new CallMessage(Place, key, "test.IPlaceGrain", "Where", [], 10, null, null, null));

    private static Task AnswerAsync(NextMember next, string one, Message call) => next.SendAsync(one, new(
        1, MessageKind.Reply, call.Correlation, next.Id, Reply: new ReplyMessage(JsonSerializer.SerializeToElement("next"), default, null, null, false)));

    private static void AssertAnswer(string expected, Message answer, long correlation)
    {
        Assert.Equal((correlation, 1, null), (answer.Correlation, answer.Version, answer.Reply!.ErrorMessage));
        Assert.Equal(expected, answer.Reply.Value!.Value.GetString());
    }

    /// <returns>The id of this version's silo.</returns>
    private static async Task<string> SeesAsync(TestCluster cluster, NextMember next)
    {
        var membership = TestCluster.MembershipOf(cluster["one"]);
        await Eventually.TrueAsync("one sees the next version's member", () => membership.CurrentSnapshot.Find(next.Id) is not null, cancellationToken: TestContext.Current.CancellationToken);
        return membership.LocalSilo.Id;
    }
}
