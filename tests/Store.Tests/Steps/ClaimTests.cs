using Gristmill.Store.Tests.Support;
using Gristmill.Testing;
using System.Text;

namespace Gristmill.Store.Tests.Steps;

public sealed class ClaimTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static string[] Payloads(ClaimReply reply) => [.. reply.Items.Select(i => Encoding.UTF8.GetString(i.Payload.Span))];

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Claim_from_the_head_takes_the_oldest_of_rpush_in_order(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.PushAsync("1", "2", "3", "4", "5", "6");

        var reply = await queue.ClaimAsync(4);

        Assert.Equal(["1", "2", "3", "4"], Payloads(reply));
        Assert.Equal([1, 2, 3, 4], reply.Items.Select(i => i.Seq));
        Assert.Equal((2, 0, "e1"), (reply.Left, reply.Aside, reply.Epoch));
        Assert.Equal(["5", "6"], Payloads(await queue.ClaimAsync()));
        Assert.Equal(JobState.Running, await queue.StateAsync(1));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Claim_from_the_tail_takes_the_oldest_of_lpush_in_order(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        foreach (var item in (string[])["1", "2", "3", "4", "5", "6", "7"]) await queue.Do("LPUSH", queue.List, item);

        Assert.Equal(["1", "2", "3", "4", "5", "6"], Payloads(await queue.ClaimAsync(6, with: r => r with { FromTail = true })));
        Assert.Equal(["7"], Payloads(await queue.ClaimAsync(6, with: r => r with { FromTail = true })));
        Assert.Equal(0, await queue.Store.LengthAsync(queue.List, TestQueue.Stop));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Claim_stops_behind_the_item_with_which_the_bytes_are_reached(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.PushAsync([.. Enumerable.Range(0, 40).Select(i => new string((char)('a' + (i % 26)), 1000))]);

        var reply = await queue.ClaimAsync(with: r => r with { MaxBytes = 7500 });

        Assert.Equal(8, reply.Items.Count);
        Assert.Equal(32, reply.Left);
        Assert.Equal(new string('i', 1000), Payloads(await queue.ClaimAsync(1))[0]);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Oversized_item_becomes_a_dead_letter_in_its_place_and_is_not_sent(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        var big = new string('B', 5000);
        await queue.PushAsync("1", big, "3");

        var reply = await queue.ClaimAsync(with: r => r with { MaxPayload = 4999 });

        Assert.Equal([1, 3], reply.Items.Select(i => i.Seq));
        Assert.Equal(1, reply.Aside);
        var dead = (await queue.Store.ListAsync(JobState.Dead, null, 10, TestQueue.Stop)).Jobs.Single();
        Assert.Equal((2, "too_large", big), (dead.Seq, dead.Header.Reason, Encoding.UTF8.GetString(dead.Payload.Span)));
        Assert.Contains("5000 bytes", dead.Header.Errors.Single().Message, StringComparison.Ordinal);
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Claim_without_room_leaves_the_list(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.PushAsync("1", "2", "3", "4");
        await queue.ClaimAsync(2);
        await queue.EnqueueAsync("ready");

        Assert.Single((await queue.ClaimAsync(with: r => r with { Limit = 3 })).Items);
        Assert.Equal(StoreStatus.NoRoom, (await queue.ClaimAsync(with: r => r with { Limit = 3 })).Status);
        Assert.Equal(StoreStatus.NoRoom, (await queue.ClaimAsync(with: r => r with { Window = 1 })).Status);
        Assert.Single((await queue.ClaimAsync(with: r => r with { Window = 2 })).Items);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Claim_at_the_bound_of_dead_letters_is_refused(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.PushAsync("too large", "2");
        await queue.ClaimAsync(1, with: r => r with { MaxPayload = 1 });

        Assert.Equal(StoreStatus.DeadLettersFull, (await queue.ClaimAsync(with: r => r with { DeadLimit = 1 })).Status);
        Assert.Single((await queue.ClaimAsync(with: r => r with { DeadLimit = 2 })).Items);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Claim_at_the_bound_of_waiting_jobs_is_refused_whatever_they_wait_for(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.PushAsync("1", "2");
        var (retried, counter) = await queue.RunningAsync("retried");
        await queue.SettleAsync(retried, counter, Settlement.Retry, 3_600_000);
        Assert.Equal(StoreStatus.WaitingFull, (await queue.ClaimAsync(with: r => r with { WaitingLimit = 1 })).Status);
        await queue.EnqueueAsync("later", h => h.Due = 1_900_000_000_000);
        Assert.Equal(StoreStatus.WaitingFull, (await queue.ClaimAsync(with: r => r with { WaitingLimit = 2 })).Status);
        await queue.EnqueueAsync("child", h => h.DependsOn = ["none"]);
        Assert.Equal(StoreStatus.WaitingFull, (await queue.ClaimAsync(with: r => r with { WaitingLimit = 3 })).Status);
        Assert.Equal(2, await queue.Store.LengthAsync(queue.List, TestQueue.Stop));
        Assert.Equal(2, (await queue.ClaimAsync(with: r => r with { WaitingLimit = 4 })).Items.Count);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Claim_and_start_keep_to_the_mode_of_the_queue(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.PushAsync("1");
        await queue.EnqueueAsync("ready");

        await queue.Store.SetModeAsync(QueueMode.Paused, TestQueue.Stop);
        Assert.Equal((StoreStatus.Paused, StoreStatus.Paused), ((await queue.ClaimAsync()).Status, (await queue.StartAsync()).Status));
        await queue.Store.SetModeAsync(QueueMode.Draining, TestQueue.Stop);
        Assert.Equal((StoreStatus.Paused, StoreStatus.Ok), ((await queue.ClaimAsync()).Status, (await queue.StartAsync()).Status));
        Assert.Equal(QueueMode.Draining, (await queue.Store.CountAsync(TestQueue.Stop)).Mode);
        Assert.Equal(QueueMode.Draining, (await queue.Store.RenewAsync("g1", "s", TestQueue.Ttl, false, null, null, TestQueue.Stop)).State);
        await queue.Store.SetModeAsync(QueueMode.Open, TestQueue.Stop);
        Assert.Single((await queue.ClaimAsync()).Items);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Claim_and_start_without_a_lease_are_refused(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind), join: false);
        await queue.PushAsync("1");
        await queue.EnqueueAsync("ready");

        Assert.Equal(StoreStatus.NoLease, (await queue.ClaimAsync()).Status);
        Assert.Equal(StoreStatus.NoLease, (await queue.StartAsync()).Status);
        Assert.Equal(1, await queue.Store.LengthAsync(queue.List, TestQueue.Stop));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Lists_of_one_queue_share_its_numbers_and_give_their_priority(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.PushAsync("normal");
        await queue.Do("RPUSH", "urgent", "urgent");

        var urgent = await queue.ClaimAsync(start: false, with: r => r with { List = "urgent", Priority = 2 });
        var normal = await queue.ClaimAsync();

        Assert.Equal((1, 2), (urgent.Items[0].Seq, normal.Items[0].Seq));
        Assert.Equal((2, 5), ((await queue.RecordAsync(1))!.Header.Priority, (await queue.RecordAsync(2))!.Header.Priority));
        Assert.Equal(JobState.Queued, await queue.StateAsync(1));
    }
}
