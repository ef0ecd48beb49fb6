using System.Net;
using System.Text.Json;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Http;

/// <summary>The silos of the cluster over HTTP.</summary>
public sealed class SiloApiTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silos_that_report_are_listed_and_one_can_be_drained()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var registry = new SiloRegistry(api.Redis, api.Service);
        var record = new SiloRecord
        {
            Id = "id-1", Name = "mill", State = "running", Version = "1.0.0", Engine = "Redis", Host = "h", Pid = 1, StartedAt = DateTimeOffset.UnixEpoch, LeaseSeconds = 60,
            Labels = ["gpu"], Queues = [new SiloQueueRecord("asr", "g", 4, 2, null)],
        };
        await registry.ReportAsync(record, Stop);

        var (status, all) = await api.GetAsync("/api/silos");
        var silo = Assert.Single(all.GetProperty("silos").EnumerateArray().ToList());
        Assert.Equal((HttpStatusCode.OK, "mill", "running", "gpu"), (status, Text(silo, "name"), Text(silo, "state"), silo.GetProperty("labels")[0].GetString()));
        Assert.Equal(2, silo.GetProperty("queues")[0].GetProperty("running").GetInt32());

        var drained = await api.PostAsync("/api/silos/id-1/drain", "");
        Assert.Equal((HttpStatusCode.Accepted, "draining"), (drained.Status, Text(drained.Body, "state")));
        Assert.True(await registry.ReportAsync(record, Stop));
    }

    [Fact]
    public async Task Devices_are_listed_by_silo_and_why_a_queue_waits_for_one()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        await new SiloRegistry(api.Redis, api.Service).ReportAsync(
            new SiloRecord
            {
                Id = "id-1", Name = "mill", State = "running", Version = "1.0.0", Engine = "Redis", Host = "h", Pid = 1, StartedAt = DateTimeOffset.UnixEpoch, LeaseSeconds = 60,
                Queues = [new SiloQueueRecord("asr", "g", 0, 0, null) { WaitingFor = "memory" }],
                Gpus = [new SiloGpuRecord { Name = "gpu0", Id = "GPU-1", Type = "NVIDIA A10", State = "ok", MemoryMiB = 24_000, LeasedMiB = 6000, Models = [new SiloGpuModelRecord("tts", "voice", 6000, "busy", 1.5)] }],
            },
            Stop);

        var (status, all) = await api.GetAsync("/api/gpus");
        var silo = Assert.Single(all.GetProperty("silos").EnumerateArray().ToList());
        var gpu = Assert.Single(silo.GetProperty("gpus").EnumerateArray().ToList());
        Assert.Equal((HttpStatusCode.OK, "mill", "gpu0", 24_000, "voice"), (status, Text(silo, "silo"), Text(gpu, "name"), gpu.GetProperty("memoryMiB").GetInt32(), Text(gpu.GetProperty("models")[0], "model")));
        var silos = (await api.GetAsync("/api/silos")).Body.GetProperty("silos");
        Assert.Equal("memory", Text(silos[0].GetProperty("queues")[0], "waitingFor"));
    }

    [Fact]
    public async Task Drain_of_a_silo_that_is_not_there_is_404()
    {
        await using var api = await ApiFixture.StartAsync(stores);
        var answer = await api.PostAsync("/api/silos/nobody/drain", "");
        Assert.Equal((HttpStatusCode.NotFound, "urn:gristmill:unknown_silo"), (answer.Status, Text(answer.Body, "type")));
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
