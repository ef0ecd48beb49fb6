using Gristmill.Grains.Bridge;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Store;
using Gristmill.Store.Payloads;

namespace Gristmill.Grains.Tests.Bridge;

/// <summary>What a batch of outcomes tells the store.</summary>
public sealed class RecordBatchTests
{
    private readonly RecordBatch _batch = new(
        new QueueRuntime("q", new QueueOptions { DeadLetterList = "mirror" }, null!, () => null!, TimeProvider.System), new SiloIdentity("s"), new StoreClock(TimeProvider.System), new Random(1));

    [Fact]
    public void Job_given_back_uncharged_keeps_its_record()
    {
        var run = Run(7, new JobHeader());
        run.End(EndCause.Shutdown);
        run.CancelledBeforeStart(EndCause.Requested);
        _batch.Add(run);
        var settled = Assert.Single(_batch.Settled);
        Assert.Equal((7L, 3L, Settlement.Release, (JobHeader?)null), (settled.Seq, settled.Counter, settled.Settlement, settled.Header));
    }

    [Fact]
    public void Refused_payload_is_read_anew_if_it_gets_another_life()
    {
        var run = Run(7, new JobHeader { Id = "of another" });
        run.Refuse(new PayloadFault("id_conflict", "taken"), "epoch-7");
        _batch.Add(run);
        var header = Assert.Single(_batch.Settled).Header!;
        Assert.Equal((true, null, "id_conflict", JobState.Dead, "epoch-7"), (header.Raw, header.Id, header.Reason, header.Outcome, run.Id));
    }

    private static JobRun Run(long seq, JobHeader header) =>
        new(null!, seq, 3, "generation", header, "{}"u8.ToArray(), 1, header.Id ?? $"epoch-{seq}") { StartedAt = 1, Limit = 1 };
}
