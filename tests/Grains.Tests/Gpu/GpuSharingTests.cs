using Gristmill.Grains.Gpu;
using Gristmill.Grains.Tests.Bridge;
using Gristmill.Store;
using Gristmill.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Grains.Tests.Gpu;

/// <summary>What a model was seen to use is known to other silos and to those that start later.</summary>
public sealed class GpuSharingTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Fact]
    public async Task Peak_that_one_silo_saw_is_kept_for_by_the_next_and_can_be_forgotten()
    {
        await using var stage = Stage.On(await stores.GetAsync(StoreKind.Redis));
        var peaks = new GpuPeaks(stage.Redis, stage.Service);
        var first = await stage.StartSiloAsync(q => DeviceWorker.Use(q, 50), s => DeviceWorker.Device(s));
        await Soon.TrueAsync("the peak is in the store", async () => await peaks.ReadAsync(TestContext.Current.CancellationToken) is [{ Model: Stage.Queue, Type: "made-up", PeakMiB: 100 }]);
        await first.StopAsync();

        var second = await stage.StartSiloAsync(q => DeviceWorker.Use(q, 50), s =>
        {
            DeviceWorker.Device(s);
            s.Gpus.RefreshSeconds = 0.1;
        });
        await Soon.TrueAsync("a worker has its device", () => Leased(second) > 0);
        Assert.Equal(100, Leased(second));

        await peaks.RaiseAsync([new GpuPeak("voice", "made-up", 7000)], TestContext.Current.CancellationToken);
        await Soon.TrueAsync("a peak that another silo saw is known", () => Observed(second, "voice") == 7000);
        await stage.DoAsync("UNLINK", RedisKeys.GpuPeaks(stage.Service));
        await Soon.TrueAsync("what somebody has had forgotten is forgotten", () => Observed(second, "voice") == 0);
    }

    private static int Leased(TestSilo silo) => silo.Services.GetRequiredService<GpuPool>().Snapshot().Sum(d => d.LeasedMiB);

    private static int Observed(TestSilo silo, string model) => silo.Services.GetRequiredService<GpuPool>().Do(a => a.ObservedOf(model, "made-up"));
}
