using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Failure;

public sealed class WrongTypeTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly (string Type, string Command, string[] Arguments)[] Makers =
    [
        ("string", "SET", ["x"]), ("list", "RPUSH", ["x"]), ("set", "SADD", ["x"]), ("hash", "HSET", ["f", "x"]), ("zset", "ZADD", ["1", "x"]),
    ];

    // Of the shards only the first is tried: numbers below 512 lie there, and a step looks only at shards that it touches.
    [Theory, MemberData(nameof(Rows.StepsOnBoth), MemberType = typeof(Rows))]
    public async Task Step_with_a_key_of_the_wrong_type_changes_nothing_and_names_it(StoreKind kind, string verb)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var act = await Scenario.Of(verb).ArrangeAsync(queue);
        foreach (var key in StoreScript.Load(verb).Keys)
        {
            if (key.Name == "jobs" && verb is "claim" or "leave") continue;
            var name = key.Name == "list" ? queue.List : key.Count > 1 ? queue.Keys.Jobs[0] : queue.Keys.Of(key.Name);
            var there = (await queue.Do("EXISTS", name)).AsInteger() == 1;
            if (there) await queue.Do("RENAME", name, "aside");
            foreach (var (type, command, arguments) in Makers.Where(m => m.Type != key.Type))
            {
                await queue.Do(command, [name, .. arguments]);
                var before = await Dump.AllAsync(queue);

                var wrong = await Assert.ThrowsAsync<WrongTypeException>(() => act(queue.Store));

                Assert.Equal((name, type, key.Type), (wrong.Key, wrong.Found, wrong.Expected));
                Assert.Equal(before, await Dump.AllAsync(queue));
                await queue.Do("DEL", name);
            }

            if (there) await queue.Do("RENAME", "aside", name);
        }

        var items = await Ledger.ReadAsync(queue);
        await act(queue.Store);
        var after = await Ledger.ReadAsync(queue);
        Assert.Equal(string.Empty, after.Faults());
        if (verb is not ("purge" or "trim" or "requeue" or "admit" or "enqueue"))
        {
            Assert.Equal(items.Records.Count + items.Listed.Count, after.Records.Count + after.Listed.Count);
        }
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Claim_into_a_shard_of_the_wrong_type_leaves_the_items_in_the_list(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.Do("HSET", queue.Keys.Of("meta"), "seq", "510");
        await queue.PushAsync("one", "two", "three");
        await queue.Do("SET", queue.Keys.Jobs[1], "x");
        var before = await Dump.AllAsync(queue);

        var wrong = await Assert.ThrowsAsync<WrongTypeException>(async () => await queue.ClaimAsync());

        Assert.Equal(queue.Keys.Jobs[1], wrong.Key);
        Assert.Equal(before, await Dump.AllAsync(queue));
        await queue.Do("DEL", queue.Keys.Jobs[1]);
        Assert.Equal(3, (await queue.ClaimAsync()).Items.Count);
    }
}
