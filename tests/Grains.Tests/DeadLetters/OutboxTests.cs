using Gristmill.Grains.Tests.Bridge;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.DeadLetters;

/// <summary>What foreign lists get, and what the dead-letter grain does.</summary>
public sealed class OutboxTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Reply_list_gets_results_and_failures(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync(q => q.ReplyToPrefixes = [stage.Service]);
        var replies = stage.Service + ":replies";
        await stage.PushAsync($$"""{"n":5,"job_id":"ok","reply_to":"{{replies}}"}""");
        var first = Assert.Single(await stage.ReadListAsync(replies, 1));
        Assert.Equal(("ok", "grist", "completed", 5), (first.GetProperty("id").GetString(), first.GetProperty("queue").GetString(), first.GetProperty("state").GetString(), first.GetProperty("result").GetInt32()));
        await stage.PushAsync($$"""{"n":6,"do":"fatal","reply_to":"{{replies}}"}""");
        var second = (await stage.ReadListAsync(replies, 2))[1];
        Assert.Equal("dead", second.GetProperty("state").GetString());
        Assert.Contains("never", second.GetProperty("errors")[0].GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Reply_to_another_prefix_is_never_written(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync(q => q.ReplyToPrefixes = ["replies:"]);
        await stage.PushAsync($$"""{"n":5,"reply_to":"{{stage.Service}}:no"}""", $$"""{"n":6,"do":"ok"}""");
        Assert.Equal("invalid_field", Assert.Single(await stage.DeadAsync(1)).Header.Reason);
        Assert.Equal(0, await stage.LengthAsync(stage.Service + ":no"));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Dead_letters_are_mirrored_with_their_payload(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var mirror = stage.Service + ":dead";
        await stage.StartSiloAsync(q => (q.DeadLetterList, q.Concurrency) = (mirror, 1));
        await stage.PushAsync("""{"n":1,"do":"fatal"}""", "no job");
        var letters = await stage.ReadListAsync(mirror, 2);
        Assert.Equal(["fatal", "malformed"], letters.Select(l => l.GetProperty("reason").GetString()).Order());
        Assert.Equal(["""{"n":1,"do":"fatal"}""", "no job"], letters.Select(l => l.GetProperty("payload").GetString()).Order(StringComparer.Ordinal).Reverse());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Target_of_the_wrong_type_loses_no_outcome_and_holds_up_nobody(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var (wrong, right) = (stage.Service + ":wrong", stage.Service + ":right");
        await stage.DoAsync("SET", wrong, "x");
        var silo = await stage.StartSiloAsync(q => (q.ReplyToPrefixes, q.DeadLetterList) = ([stage.Service], wrong));
        await stage.PushAsync($$"""{"n":1,"job_id":"a","reply_to":"{{wrong}}"}""", """{"n":2,"do":"fatal"}""", $$"""{"n":3,"reply_to":"{{right}}"}""");
        await stage.ReadListAsync(right, 1);
        await stage.JobAsync("a", JobState.Completed);
        await stage.DeadAsync(1);
        await Soon.TrueAsync("both refusals are told", () => silo.Log.Count(1110) == 2);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Dead_letter_grain_lists_requeues_and_purges(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var silo = await stage.StartSiloAsync(q => q.Concurrency = 1);
        await stage.PushAsync("""{"n":1,"job_id":"one","do":"fail","times":1,"retry_count":0}""", "poison");
        await stage.DeadAsync(2);
        var letters = silo.Grains.GetGrain<IDeadLetterGrain>(Stage.Queue);
        var page = await letters.ListAsync(null, 10);
        Assert.Equal(["malformed", "retries"], page.Letters.Select(l => l.Reason).Order());
        var poison = page.Letters.Single(l => l.Reason == "malformed");
        Assert.Equal("poison"u8.ToArray(), poison.Payload.ToArray());
        Assert.True(await letters.PurgeAsync(poison.Id));
        Assert.False(await letters.PurgeAsync(poison.Id));
        Assert.True(await letters.RequeueAsync("one"));
        Assert.False(await letters.RequeueAsync("nobody"));
        await stage.Orders.CalledAsync(1, 2);
        Assert.Equal(1, stage.Orders.Calls[^1].Job.Attempt);
    }
}
