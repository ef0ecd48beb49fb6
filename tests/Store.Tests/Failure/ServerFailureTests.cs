using Gristmill.Redis;
using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Failure;

public sealed class ServerFailureTests(SharedStores stores) : IClassFixture<SharedStores>
{
    // Redis alone: Garnet knows no maxmemory that refuses writes (docs/redis-protocol.md says what it does instead).
    [Theory, MemberData(nameof(Rows.Steps), MemberType = typeof(Rows))]
    public async Task Step_on_a_full_server_is_made_whole_or_not_at_all(string verb)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(StoreKind.Redis));
        var act = await Scenario.Of(verb).ArrangeAsync(queue);
        var before = await Dump.AllAsync(queue);
        await queue.Do("CONFIG", "SET", "maxmemory", "1");
        try
        {
            var failure = await Record.ExceptionAsync(() => act(queue.Store));
            if (Scenario.EvenWithoutMemory.Contains(verb) && verb is not "cancel" and not "trim")
            {
                Assert.Null(failure);
            }
            else if (failure is not null)
            {
                Assert.Equal("OOM", Assert.IsType<RedisServerException>(failure).Code);
                Assert.Equal(before, await Dump.AllAsync(queue));
            }
        }
        finally
        {
            await queue.Do("CONFIG", "SET", "maxmemory", "0");
        }

        if (!Scenario.EvenWithoutMemory.Contains(verb)) await act(queue.Store);
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }

    [Theory, MemberData(nameof(Rows.StepsOnBoth), MemberType = typeof(Rows))]
    public async Task Step_after_the_server_forgot_its_scripts_is_made(StoreKind kind, string verb)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var act = await Scenario.Of(verb).ArrangeAsync(queue);
        await queue.Do("SCRIPT", "FLUSH");

        await act(queue.Store);

        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Id_of_the_store_after_its_keys_were_flushed_is_unknown(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.EnqueueAsync("one");
        await queue.Do("FLUSHDB");
        await queue.Store.EnqueueAsync([TestQueue.New("two")], "e2", TestQueue.Window, 0, TestQueue.Stop);

        Assert.Null(await queue.Store.GetAsync("e1-1", TestQueue.Stop));
        Assert.NotNull(await queue.Store.GetAsync("e2-1", TestQueue.Stop));
        Assert.Equal(StoreStatus.NoLease, (await queue.ClaimAsync()).Status);
    }
}
