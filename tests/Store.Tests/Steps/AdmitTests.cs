using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Steps;

public sealed class AdmitTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static async Task<AdmitVerdict> AdmitAsync(TestQueue queue, long seq, JobHeader header, bool keep = false, string print = "p", long counter = 1, string generation = TestQueue.Generation) =>
        (await queue.Store.AdmitAsync(generation, [new Admission(seq, counter, keep, header, print)], TestQueue.Window, TestQueue.Stop))[0];

    private static async Task<TestQueue> TakenAsync(SharedStores stores, StoreKind kind, params string[] items)
    {
        var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind));
        await queue.PushAsync(items);
        await queue.ClaimAsync(start: false);
        return queue;
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Admitted_job_gets_the_place_that_its_header_says(StoreKind kind)
    {
        await using var queue = await TakenAsync(stores, kind, "ready", "later", "child", "kept");
        Assert.Equal(AdmitVerdict.Admitted, await AdmitAsync(queue, 1, new JobHeader { Id = "a", Priority = 1 }));
        Assert.Equal(AdmitVerdict.Admitted, await AdmitAsync(queue, 2, new JobHeader { Due = JobHeader.MaxTime }));
        Assert.Equal(AdmitVerdict.Admitted, await AdmitAsync(queue, 3, new JobHeader { DependsOn = ["a"] }));
        Assert.Equal(AdmitVerdict.Admitted, await AdmitAsync(queue, 4, new JobHeader { Id = "k" }, keep: true));

        Assert.Equal("child: deferred \nkept: running \nlater: scheduled \nready: ready ", (await Ledger.ReadAsync(queue)).States());
        Assert.Equal(1, (await queue.RecordAsync(1))!.Header.Priority);
        Assert.Equal((1, "e1-2"), ((await queue.Store.GetAsync("a", TestQueue.Stop))!.Seq, (await queue.ViewAsync(2))!.Id));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Known_id_is_a_duplicate_with_the_same_payload_and_a_conflict_with_another(StoreKind kind)
    {
        await using var queue = await TakenAsync(stores, kind, "one", "two", "three");
        Assert.Equal(AdmitVerdict.Admitted, await AdmitAsync(queue, 1, new JobHeader { Id = "a" }));
        Assert.Equal(AdmitVerdict.Duplicate, await AdmitAsync(queue, 2, new JobHeader { Id = "a" }));
        Assert.Equal(AdmitVerdict.Conflict, await AdmitAsync(queue, 3, new JobHeader { Id = "a" }, print: "q"));

        Assert.Equal("one: ready \nthree: running ", (await Ledger.ReadAsync(queue)).States());
        Assert.Equal(1, (await queue.Store.CountAsync(TestQueue.Stop)).Totals["duplicates"]);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Batch_with_one_id_twice_admits_the_first(StoreKind kind)
    {
        await using var queue = await TakenAsync(stores, kind, "one", "two", "three");
        var header = new JobHeader { Id = "a" };

        var verdicts = await queue.Store.AdmitAsync("g1", [new(1, 1, true, header, "p"), new(2, 1, true, header, "p"), new(3, 1, true, header, "q")], TestQueue.Window, TestQueue.Stop);

        Assert.Equal([AdmitVerdict.Admitted, AdmitVerdict.Duplicate, AdmitVerdict.Conflict], verdicts);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Admission_sent_twice_by_its_holder_is_admitted(StoreKind kind)
    {
        await using var queue = await TakenAsync(stores, kind, "one");
        Assert.Equal(AdmitVerdict.Admitted, await AdmitAsync(queue, 1, new JobHeader { Id = "a" }, keep: true));
        Assert.Equal(AdmitVerdict.Admitted, await AdmitAsync(queue, 1, new JobHeader { Id = "a" }, keep: true));
        Assert.Equal(AdmitVerdict.Lost, await AdmitAsync(queue, 1, new JobHeader { Id = "a" }, counter: 2));
        Assert.Equal(AdmitVerdict.Lost, await AdmitAsync(queue, 1, new JobHeader { Id = "a" }, generation: "g"));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_cancelled_before_it_came_is_still_held_and_is_found_by_its_id(StoreKind kind)
    {
        await using var queue = await TakenAsync(stores, kind, "one");
        Assert.Equal("remembered", await queue.CancelAsync("a"));

        Assert.Equal(AdmitVerdict.Cancelled, await AdmitAsync(queue, 1, new JobHeader { Id = "a" }));
        Assert.Equal(AdmitVerdict.Cancelled, await AdmitAsync(queue, 1, new JobHeader { Id = "a" }));

        Assert.Equal((1, true), ((await queue.Store.GetAsync("a", TestQueue.Stop))!.Seq, (await queue.ViewAsync(1))!.CancelRequested));
        await queue.SettleAsync(1, 1, Settlement.Cancel);
        Assert.Equal(JobState.Cancelled, await queue.StateAsync(1));
        Assert.Equal(string.Empty, (await Ledger.ReadAsync(queue)).Faults());
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Job_cancelled_by_the_stores_own_id_before_admission_is_not_admitted(StoreKind kind)
    {
        await using var queue = await TakenAsync(stores, kind, "one");
        Assert.Equal("requested", await queue.CancelAsync("e1-1"));

        Assert.Equal(AdmitVerdict.Cancelled, await AdmitAsync(queue, 1, new JobHeader { Id = "a" }));
    }
}
