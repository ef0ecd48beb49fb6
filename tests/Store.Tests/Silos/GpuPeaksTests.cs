using Gristmill.Store.Tests.Support;
using Gristmill.Testing;

namespace Gristmill.Store.Tests.Silos;

/// <summary>What models were seen to use: it only rises, is bounded, and what others wrote there does no harm.</summary>
public sealed class GpuPeaksTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static readonly string Key = RedisKeys.GpuPeaks("tests");

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Peaks_only_rise_and_are_kept_for_a_time(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind), join: false);
        var peaks = new GpuPeaks(queue.Redis, "tests");
        await peaks.RaiseAsync([new GpuPeak("voice \"2\"", "NVIDIA A10", 3000), new GpuPeak("voice \"2\"", "NVIDIA L4", 3500)], TestQueue.Stop);
        await peaks.RaiseAsync([new GpuPeak("voice \"2\"", "NVIDIA A10", 2000), new GpuPeak("voice \"2\"", "NVIDIA L4", 4000)], TestQueue.Stop);
        Assert.Equal([new GpuPeak("voice \"2\"", "NVIDIA L4", 4000), new GpuPeak("voice \"2\"", "NVIDIA A10", 3000)], await peaks.ReadAsync(TestQueue.Stop));
        Assert.InRange((await queue.Do("PTTL", Key)).AsInteger(), 1, (long)GpuPeaks.Keep.TotalMilliseconds);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Peaks_beyond_the_bound_go_the_smallest_first(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind), join: false);
        var peaks = new GpuPeaks(queue.Redis, "tests");
        await peaks.RaiseAsync([.. Enumerable.Range(1, GpuPeaks.Most + 5).Select(n => new GpuPeak($"m{n}", "A10", n))], TestQueue.Stop);
        var kept = await peaks.ReadAsync(TestQueue.Stop);
        Assert.Equal((GpuPeaks.Most, 6), (kept.Count, kept.Min(p => p.PeakMiB)));
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task What_others_wrote_there_is_passed_over(StoreKind kind)
    {
        await using var queue = await TestQueue.OpenAsync(await stores.GetAsync(kind), join: false);
        await queue.Do("ZADD", Key, "7", "not json", "8", "[1,2]", "9", "[\"m\"]", "-3", "[\"m\",\"A10\"]", "5", "[\"good\",\"A10\"]");
        Assert.Equal([new GpuPeak("good", "A10", 5)], await new GpuPeaks(queue.Redis, "tests").ReadAsync(TestQueue.Stop));
    }
}
