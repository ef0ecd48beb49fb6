using Gristmill.Grains.Gpu;

namespace Gristmill.Grains.Tests.Gpu;

/// <summary>How long sessions wait for their next job, with four made-up devices of 8 GiB and two queues, of 3 and 6 GiB, under simulated time.</summary>
public sealed class GpuFairnessTests(ITestOutputHelper output)
{
    private const double WarmUp = 150;
    private static readonly int Seeds = Environment.GetEnvironmentVariable("GRISTMILL_LONG") == "1" ? 10 : 1;
    private static readonly double Seconds = Seeds > 1 ? 3600 : 600;

    // Up to four times as many sessions in one queue as in the other.
    public static TheoryData<int, int, int> Loads()
    {
        var loads = new TheoryData<int, int, int>();
        (int Small, int Large)[] sessions = [(8, 8), (12, 12), (40, 40), (24, 6), (40, 10), (6, 24), (16, 9)];
        foreach (var (small, large) in sessions)
        {
            for (var seed = 1; seed <= Seeds; seed++) loads.Add(small, large, seed);
        }

        return loads;
    }

    [Theory, MemberData(nameof(Loads))]
    public void No_session_waits_for_its_next_job_longer_than_twice_the_mean(int small, int large, int seed)
    {
        var world = new GpuWorld(seed).Devices(4, 8192);
        world.AddSessions(new GpuModel("small", "small", 3072), workers: 8, jobSeconds: 2, loadSeconds: 5, small);
        world.AddSessions(new GpuModel("large", "large", 6144), workers: 4, jobSeconds: 3, loadSeconds: 8, large);
        world.Run(Seconds);

        var waits = world.Queues.SelectMany(q => q.Waits).Where(w => w.At > WarmUp).Select(w => w.Wait).ToList();
        var (mean, longest) = (waits.Average(), waits.Max());
        var used = world.BusySeconds / world.SlotSeconds;
        output.WriteLine($"{small} and {large} sessions, seed {seed}: mean {mean:F2} s, longest {longest:F2} s ({longest / mean:F2} times), {used:P1} of slot-seconds used; " + string.Join("; ", world.Queues.Select(q =>
            $"{q.Tenant.Model.Queue}: {q.Tenant.Leases.Count} workers, mean {q.Waits.Where(w => w.At > WarmUp).Average(w => w.Wait):F2} s, longest {q.Waits.Where(w => w.At > WarmUp).Max(w => w.Wait):F2} s, {q.Tenant.Loads} loads, {q.Evicted} evictions")));
        Assert.True(longest <= 2 * mean, $"{small} and {large} sessions, seed {seed}: the longest wait is {longest:F1} s, the mean {mean:F1} s");
        Assert.True(used > 0.9, $"{used:P1} of the slot-seconds were used");
        Assert.All(world.Queues, q => Assert.InRange(q.Starts, 1, q.Workers.Count + q.Evicted));
        Assert.All(world.Queues, q => Assert.InRange(q.Tenant.Loads, 1, q.Starts));
    }
}
