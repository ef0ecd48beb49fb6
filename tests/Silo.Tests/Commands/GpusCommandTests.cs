using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Commands;

/// <summary><c>gristmill gpus</c>, of a real silo with made-up devices and a C# handler on them.</summary>
public sealed class GpusCommandTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Gpus_shows_devices_and_models_of_a_silo_and_job_show_what_a_job_waits_for()
    {
        await using var bench = await FaultBench.StartAsync(StoreKind.Redis);
        await bench.StartSiloAsync(new SiloSettings
        {
            Engine = new Dictionary<string, string>
            {
                ["Gristmill__Gpus__Devices__0__Name"] = "mill0",
                ["Gristmill__Gpus__Devices__0__MemoryMiB"] = "8192",
                [$"Gristmill__Queues__{FaultBench.Queue}__Gpu__MemoryMiB"] = "3072",
                [$"Gristmill__Queues__{FaultBench.Queue}__Gpu__Model"] = "voice",
                ["Gristmill__Queues__huge__Handler"] = "ledger",
                ["Gristmill__Queues__huge__Gpu__MemoryMiB"] = "9000",
            },
        });
        await bench.PushAsync(FaultLoad.Plain("job", 20, workMs: 5));
        await FaultBench.UntilAsync("20 jobs are done", () => bench.CountAsync(), c => c.Totals["completed"] == 20);

        await using var cli = await CommandFixture.CreateAsync(stores);
        cli.Variables["REDIS_URL"] = bench.Server.Url;
        cli.Variables["Gristmill__Service"] = FaultBench.Service;
        (await cli.RunAsync("enqueue", "huge", "{}", "--id", "h1")).Expect(0);
        var shown = await Eventually.MatchesAsync(
            "the model is resident", async () => (await cli.RunAsync("gpus")).Expect(0).Out, text => text.Contains("voice 3072 MiB idle", StringComparison.Ordinal), FaultBench.Patience, Stop);
        foreach (var word in new[] { "DEVICE", "mill0", "made-up", "ok", "8192 MiB" }) Assert.Contains(word, shown, StringComparison.Ordinal);
        var device = (await cli.RunAsync("gpus", "--json")).Expect(0).Json.GetProperty("silos")[0].GetProperty("gpus")[0];
        Assert.Equal(("mill0", 8192), (device.GetProperty("name").GetString(), device.GetProperty("memoryMiB").GetInt32()));

        var job = (await cli.RunAsync("job", "show", "huge", "h1", "--json")).Expect(0).Json;
        Assert.Equal("no_device", job.GetProperty("waitingFor").GetProperty("for").GetString());
        Assert.Contains("a device: none is large enough", (await cli.RunAsync("job", "show", "huge", "h1")).Expect(0).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gpus_without_any_says_so()
    {
        await using var cli = await CommandFixture.CreateAsync(stores);
        Assert.Contains("No silo has a queue that needs a device", (await cli.RunAsync("gpus")).Expect(0).Out, StringComparison.Ordinal);
    }
}
