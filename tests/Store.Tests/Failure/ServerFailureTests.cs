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

    // Without its storage tier Garnet forgets the oldest keys when its memory is full: this is what it must be started with.
    [Fact]
    public async Task Garnet_with_a_storage_tier_keeps_what_does_not_fit_its_memory()
    {
        using var folder = new TempFolder();
        var port = Ports.Next();
        await using var garnet = await ChildProcess.StartAsync(
            "dotnet",
            [
                GarnetServer.Program, "--bind", "127.0.0.1", "--port", $"{port}", "--lua", "--lua-transaction-mode", "--device-type", "RandomAccess",
                "--memory", "16m", "--page", "1m", "--index", "1m", "--storage-tier", "--logdir", folder.Path,
            ]);
        await using var queue = await Eventually.MatchesAsync("Garnet answers", () => TestQueue.OpenAsync($"redis://127.0.0.1:{port}"), _ => true, cancellationToken: TestQueue.Stop);
        var payload = new string('x', 100_000);
        for (var batch = 0; batch < 30; batch++)
        {
            await queue.Store.EnqueueAsync([.. Enumerable.Range(0, 10).Select(i => TestQueue.New($"{batch}.{i}{payload}"))], "e1", TestQueue.Window, 0, 0, TestQueue.Stop);
        }

        var ledger = await Ledger.ReadAsync(queue);
        Assert.Equal(string.Empty, ledger.Faults());
        Assert.Equal(300, ledger.Records.Count);
        var started = await queue.StartAsync(20);
        Assert.Equal(Enumerable.Range(1, 20).Select(i => (long)i), started.Jobs.Select(j => j.Seq));
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
        await queue.Store.EnqueueAsync([TestQueue.New("two")], "e2", TestQueue.Window, 0, 0, TestQueue.Stop);

        Assert.Null(await queue.Store.GetAsync("e1-1", TestQueue.Stop));
        Assert.NotNull(await queue.Store.GetAsync("e2-1", TestQueue.Stop));
        Assert.Equal(StoreStatus.NoLease, (await queue.ClaimAsync()).Status);
    }
}
