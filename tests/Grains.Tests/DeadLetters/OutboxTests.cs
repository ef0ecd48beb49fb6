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
    public async Task Reply_to_the_clusters_own_keys_is_never_written(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        await stage.StartSiloAsync(q => q.ReplyToPrefixes = ["g", stage.Service]);
        var finished = stage.Store.Keys.Of("finished");
        await stage.PushAsync($$"""{"n":5,"reply_to":"{{finished}}"}""");
        await stage.EnqueueAsync((new JobHeader { Id = "by a client", ReplyTo = finished }, """{"n":6}"""), (new JobHeader { Id = "elsewhere", ReplyTo = "elsewhere" }, """{"n":7}"""));
        var letters = await stage.DeadAsync(3);

        Assert.All(letters, l => Assert.Equal("invalid_field", l.Header.Reason));
        Assert.Equal(2, letters.Count(l => l.Header.Errors[0].Message.Contains("Gristmill's own", StringComparison.Ordinal)));
        Assert.Contains("by a client", letters.Select(l => l.Id));
        Assert.Empty(stage.Orders.Numbers);
        Assert.Equal((0, 0), (await stage.LengthAsync(finished), await stage.LengthAsync("elsewhere")));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Dead_letters_that_the_store_makes_itself_are_mirrored_too(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var mirror = stage.Service + ":dead";
        await stage.StartSiloAsync(q => (q.DeadLetterList, q.MaxPayloadBytes) = (mirror, 200));
        await stage.PushAsync(new string('x', 300), """{"n":1,"job_id":"child","depends_on":["parent"]}""");
        await stage.JobAsync("child", JobState.Deferred);
        await stage.PushAsync("""{"n":2,"job_id":"parent","do":"fatal"}""");
        var letters = await stage.ReadListAsync(mirror, 3);

        Assert.Equal(["dependency_failed", "fatal", "too_large"], letters.Select(l => l.GetProperty("reason").GetString()).Order());
        Assert.Equal(new string('x', 300), letters.Single(l => l.GetProperty("reason").GetString() == "too_large").GetProperty("payload").GetString());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Retry_that_becomes_a_cancel_is_one_and_tells_the_reply_list(StoreKind kind)
    {
        await using var stage = Stage.On(await stores.GetAsync(kind));
        var replies = stage.Service + ":replies";
        var silo = await stage.StartSiloAsync(q => (q.ReplyToPrefixes, q.Concurrency) = ([stage.Service], 1));
        await stage.PushAsync($$"""{"n":1,"job_id":"r","do":"hold-fail","reply_to":"{{replies}}","retry_delay":600}""", """{"n":2,"do":"hold"}""");
        await stage.Orders.CalledAsync(1);
        // As a cancel whose message is lost: written, and found by the store when the attempt is settled.
        await stage.DoAsync("HSET", stage.Store.Keys.Of("cancels"), $"{(await stage.FindAsync("r"))!.Seq}", "asked");
        stage.Orders.Release(1);
        var reply = Assert.Single(await stage.ReadListAsync(replies, 1));

        Assert.Equal(("r", "cancelled"), (reply.GetProperty("id").GetString(), reply.GetProperty("state").GetString()));
        Assert.Equal(JobState.Cancelled, (await stage.FindAsync("r"))!.State);
        await stage.Orders.CalledAsync(2);
        Assert.Equal((1, 0), (silo.Log.Count(1035), silo.Log.Count(1036)));
        stage.Orders.Release(2);
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
