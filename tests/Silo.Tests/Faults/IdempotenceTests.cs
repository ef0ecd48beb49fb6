using Gristmill.FaultHandlers;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Faults;

/// <summary>The same id pushed again: by an impatient producer, or for something else.</summary>
public sealed class IdempotenceTests
{
    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Same_id_pushed_a_hundred_times_is_one_job_and_another_payload_is_a_conflict(StoreKind kind)
    {
        await using var bench = await FaultBench.StartAsync(kind);
        var items = Enumerable.Range(0, 100)
            .Select(n => new FaultItem("one", FaultLoad.Json($$"""{"job_id":"same","queued_at":{{1_700_000_000 + n}},"k":"one","workMs":20}""")))
            .ToList();
        await bench.StartSiloAsync();
        await bench.PushAsync([.. items.Take(50)]);
        await bench.OutcomesAsync(1);
        await bench.PushAsync([.. items.Skip(50)]);
        await FaultBench.UntilAsync("99 duplicates", async () => (await bench.CountAsync()).Totals["duplicates"], n => n == 99);
        var job = Assert.Single(await Records.ReadAsync(bench.Store));
        Assert.Equal(("same", JobState.Completed), (job.Id, job.State));
        Assert.Single(bench.Ledger.Of("one"), l => l.Mark == LedgerMark.Start);

        await bench.PushAsync([new FaultItem("other", FaultLoad.Json("""{"job_id":"same","k":"other"}"""))]);
        await bench.OutcomesAsync(2);
        var conflict = Assert.Single(await Records.ReadAsync(bench.Store), j => j.State == JobState.Dead);
        Assert.Equal("id_conflict", conflict.Header.Reason);
        Assert.Equal("other", Records.KeyOf(conflict.Payload));
        Assert.Empty(bench.Ledger.Of("other"));
        Assert.Equal(JobState.Completed, (await bench.Store.GetAsync("same", TestContext.Current.CancellationToken))?.State);
    }
}
