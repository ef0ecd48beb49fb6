using Gristmill.Grains.Gpu;

namespace Gristmill.Grains.Tests.Gpu;

/// <summary>The rules of sharing, under simulated time.</summary>
public sealed class GpuAllocatorTests
{
    private static GpuModel Model(string queue, int memory, int priority = 5, bool exclusive = false, int most = 0) => new(queue, queue, memory, exclusive, most, priority);

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5)]
    public void Four_devices_of_8_gib_and_queues_of_3_and_6_are_used_without_oversubscription_and_nobody_starves(int seed)
    {
        var world = new GpuWorld(seed).Devices(4, 8192);
        var small = world.Add(Model("small", 3072), workers: 8, jobSeconds: 2, loadSeconds: 5);
        var large = world.Add(Model("large", 6144), workers: 4, jobSeconds: 3, loadSeconds: 8);
        world.Run(1800);

        Assert.True(world.BusySeconds > 0.9 * world.SlotSeconds, $"{world.BusySeconds:F0} of {world.SlotSeconds:F0} slot-seconds were used");
        Assert.Equal((4, 2), (small.Tenant.Leases.Count, large.Tenant.Leases.Count));
        Assert.All(world.Queues, q =>
        {
            Assert.True(q.Tenant.Loads <= q.Starts && q.Starts <= q.Workers.Count + q.Evicted, $"{q.Tenant.Model.Queue}: {q.Tenant.Loads} loads, {q.Starts} starts, {q.Evicted} evictions");
            Assert.True(q.Done > 500, $"{q.Tenant.Model.Queue} did only {q.Done} jobs");
        });
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Random_queues_never_oversubscribe_and_each_waits_a_bounded_time(int seed)
    {
        var random = new Random(seed);
        var options = new GpuPoolOptions { TurnSeconds = 10 };
        var devices = random.Next(1, 4);
        var world = new GpuWorld(seed, options).Devices(devices, 8192, slots: random.Next(3));
        var count = random.Next(2, 8);
        for (var i = 0; i < count; i++)
        {
            world.Add(Model($"q{i}", random.Next(1, 8) * 1024, random.Next(10), exclusive: random.Next(6) == 0, most: random.Next(3)), random.Next(1, 5), random.Next(1, 4), random.Next(1, 3));
        }

        world.Run(600);

        // After a turn it is overdue; then all others may go first, on one device. Each change takes at most the turn of who is there, that of who was granted its
        // place meanwhile, and a job and a load of each.
        var bound = options.TurnSeconds + (count * 2 * (options.TurnSeconds + 3 + 2));
        Assert.All(world.Queues, q =>
        {
            Assert.True(q.LongestWait <= bound, $"seed {seed}: {q.Tenant.Model} waited {q.LongestWait:F1} s, more than {bound} s");
            Assert.True(q.Done > 0, $"seed {seed}: {q.Tenant.Model} did nothing");
            Assert.True(q.Starts <= q.Workers.Count + q.Evicted, $"seed {seed}: {q.Tenant.Model}: {q.Starts} starts, {q.Evicted} evictions");
        });
    }

    public static IEnumerable<object[]> Seeds() => Enumerable.Range(1, 60).Select(seed => new object[] { seed });

    [Fact]
    public void Queue_without_demand_gives_its_place_at_once_and_gets_it_back_when_it_has_demand()
    {
        var world = new GpuWorld(1).Devices(1, 8192);
        var first = world.Add(Model("first", 6144), 1, 1, 1, backlog: 0, endless: false);
        world.Run(5);
        Assert.Equal(GpuLeaseState.Idle, Assert.Single(first.Tenant.Leases).State);
        var second = world.Add(Model("second", 6144), 1, 1, 1, backlog: 5, endless: false);
        world.Run(2);
        Assert.Empty(first.Tenant.Leases);
        Assert.Single(second.Tenant.Leases);
        Assert.Equal(GpuWait.Memory, world.Allocator.WhyWaiting(first.Tenant));
        world.Run(20);
        Assert.Equal(5, second.Done);
        first.Backlog = 3;
        world.Run(20);
        Assert.Equal(3, first.Done);
    }

    [Fact]
    public void Longest_unused_idle_worker_leaves_first()
    {
        var (time, allocator) = Fresh(8192);
        var leases = new List<GpuLease>();
        foreach (var name in (string[])["a", "b"])
        {
            var lease = allocator.Request(allocator.AddTenant(Model(name, 4096))).Lease!;
            allocator.Loaded(lease);
            leases.Add(lease);
            time.Advance(1);
        }

        allocator.TryBegin(leases[0]);
        time.Advance(1);
        allocator.SetIdle(leases[0]);
        var third = allocator.AddTenant(Model("c", 4096));
        allocator.SetDemand(third, 1);
        var request = allocator.Request(third);

        Assert.Equal((false, true), (leases[0].Leaving, leases[1].Leaving));
        Assert.Null(request.Lease);
        allocator.Release(leases[1]);
        Assert.NotNull(request.Lease);
    }

    [Fact]
    public void Queue_with_one_job_has_one_worker_of_others_sent_away_and_not_one_for_each_of_its_own()
    {
        var world = new GpuWorld(1).Devices(2, 8192);
        var allocator = world.Allocator;
        var (idle, wanting) = (allocator.AddTenant(Model("idle", 6144)), allocator.AddTenant(Model("wanting", 6144)));
        var held = new[] { allocator.Request(idle).Lease!, allocator.Request(idle).Lease! };
        foreach (var lease in held) allocator.Loaded(lease);
        var requests = new[] { allocator.Request(wanting), allocator.Request(wanting) };

        allocator.SetDemand(wanting, 1);
        var leaving = Assert.Single(held, l => l.Leaving);
        allocator.Release(leaving);
        var got = Assert.Single(requests, r => r.Lease is not null).Lease!;
        Assert.Single(held, l => !l.Leaving);
        allocator.Loaded(got);
        Assert.True(allocator.TryBegin(got));
        allocator.SetDemand(wanting, 1);
        Assert.All(held, l => Assert.True(l.Leaving));
    }

    [Fact]
    public void Room_that_is_made_for_one_is_not_taken_by_another()
    {
        var (_, allocator) = Fresh(8192);
        var idle = allocator.AddTenant(Model("idle", 4096));
        var both = new[] { allocator.Request(idle).Lease!, allocator.Request(idle).Lease! };
        foreach (var lease in both) allocator.Loaded(lease);
        var large = allocator.AddTenant(Model("large", 8192));
        allocator.SetDemand(large, 1);
        var wanted = allocator.Request(large);
        var small = allocator.AddTenant(Model("small", 1024, priority: 0));
        allocator.SetDemand(small, 1);
        var jumper = allocator.Request(small);

        allocator.Release(both[0]);
        Assert.Null(jumper.Lease);
        allocator.Release(both[1]);
        Assert.NotNull(wanted.Lease);
        Assert.Null(jumper.Lease);
    }

    [Fact]
    public void Priority_goes_first_where_memory_is_short()
    {
        var (_, allocator) = Fresh(8192);
        var holder = allocator.AddTenant(Model("holder", 8192));
        var held = allocator.Request(holder).Lease!;
        var late = allocator.AddTenant(Model("late", 8192, priority: 9));
        var urgent = allocator.AddTenant(Model("urgent", 8192, priority: 0));
        foreach (var tenant in (GpuTenant[])[late, urgent]) allocator.SetDemand(tenant, 1);
        var (second, first) = (allocator.Request(late), allocator.Request(urgent));
        allocator.Release(held);
        Assert.NotNull(first.Lease);
        Assert.Null(second.Lease);
    }

    [Fact]
    public void Observed_memory_raises_what_the_next_worker_needs()
    {
        var (_, allocator) = Fresh(8192);
        var tenant = allocator.AddTenant(Model("asr", 3000));
        var first = allocator.Request(tenant).Lease!;
        Assert.True(allocator.Observe(first, 5000));
        Assert.False(allocator.Observe(first, 4000));
        Assert.Equal(5000, first.MemoryMiB);
        Assert.Null(allocator.Request(tenant).Lease);
    }

    [Fact]
    public void Foreign_memory_is_not_given_away()
    {
        var (_, allocator) = Fresh(8192);
        allocator.Read(allocator.Devices[0], new GpuReading(6000, 50, 40), foreignMiB: 6000);
        var tenant = allocator.AddTenant(Model("asr", 3000));
        var request = allocator.Request(tenant);
        Assert.Null(request.Lease);
        allocator.Read(allocator.Devices[0], new GpuReading(0, 0, 40), foreignMiB: 0);
        Assert.NotNull(request.Lease);
    }

    [Fact]
    public void Device_that_fails_again_and_again_is_put_aside_for_longer_each_time()
    {
        var (time, allocator) = Fresh(8192);
        var tenant = allocator.AddTenant(Model("asr", 3000));
        TimeSpan? FailThrice()
        {
            var lease = allocator.Request(tenant).Lease!;
            Assert.Null(allocator.Failed(lease, "CUDA error"));
            Assert.Null(allocator.Failed(lease, "CUDA error"));
            var aside = allocator.Failed(lease, "CUDA error");
            Assert.True(lease.Leaving);
            allocator.Release(lease);
            return aside;
        }

        Assert.Equal(TimeSpan.FromSeconds(30), FailThrice());
        Assert.Equal(GpuWait.DevicePutAside, allocator.WhyWaiting(tenant));
        var waiting = allocator.Request(tenant);
        Assert.Null(waiting.Lease);
        time.Advance(31);
        allocator.Settle();
        allocator.Release(waiting.Lease!);
        Assert.Equal(TimeSpan.FromSeconds(60), FailThrice());
        time.Advance(61);
        allocator.Settle();
        var good = allocator.Request(tenant).Lease!;
        allocator.Succeeded(good);
        allocator.Release(good);
        Assert.Equal(TimeSpan.FromSeconds(30), FailThrice());
    }

    [Fact]
    public void Worker_that_must_be_alone_waits_until_the_device_is_empty()
    {
        var (time, allocator) = Fresh(8192);
        var (asr, other) = (allocator.AddTenant(Model("asr", 2048)), allocator.AddTenant(Model("other", 2048)));
        var (own, idle) = (allocator.Request(asr).Lease!, allocator.Request(other).Lease!);
        allocator.Loaded(own);
        allocator.Loaded(idle);
        var alone = allocator.Request(asr, alone: true);
        Assert.True(own.Leaving && idle.Leaving);
        allocator.Release(own);
        Assert.Null(alone.Lease);
        allocator.Release(idle);
        Assert.Equal((true, 8192), (alone.Lease!.Alone, alone.Lease.MemoryMiB));
        time.Advance(100);
        Assert.Null(allocator.Request(other).Lease);
    }

    [Fact]
    public void Out_of_memory_sends_idle_workers_of_others_away_but_no_busy_one()
    {
        var (_, allocator) = Fresh(8192);
        GpuLease Start(string queue)
        {
            var lease = allocator.Request(allocator.AddTenant(Model(queue, 2048))).Lease!;
            allocator.Loaded(lease);
            return lease;
        }

        var (failed, idle, busy) = (Start("asr"), Start("idle"), Start("busy"));
        Assert.True(allocator.TryBegin(busy));
        Assert.Equal(1, allocator.MakeRoom(failed));
        Assert.Equal((false, true, false), (failed.Leaving, idle.Leaving, busy.Leaving));
    }

    [Fact]
    public void Slots_of_a_device_go_to_who_waited_first()
    {
        var (allocator, leases) = ThreeForOneSlot();
        Assert.False(allocator.TryBegin(leases[1]));
        Assert.False(allocator.TryBegin(leases[2]));
        Assert.Equal(GpuWait.NoSlot, allocator.WhyWaiting(leases[1].Tenant));
        allocator.SetIdle(leases[0]);
        Assert.False(allocator.TryBegin(leases[2]));
        Assert.True(allocator.TryBegin(leases[1]));
    }

    [Fact]
    public void Lease_that_was_released_stands_in_no_line_for_a_slot()
    {
        var (allocator, leases) = ThreeForOneSlot();
        allocator.Release(leases[1]);
        Assert.False(allocator.TryBegin(leases[1]));
        allocator.SetIdle(leases[0]);
        Assert.True(allocator.TryBegin(leases[2]));
    }

    [Fact]
    public void Who_leaves_the_line_for_a_slot_tells_those_behind()
    {
        var (allocator, leases) = ThreeForOneSlot();
        Assert.False(allocator.TryBegin(leases[1]));
        Assert.False(allocator.TryBegin(leases[2]));
        allocator.SetIdle(leases[0]);
        var before = allocator.Changes;
        Assert.True(allocator.LeaveSlotLine(leases[1]));
        Assert.NotEqual(before, allocator.Changes);
        Assert.True(allocator.TryBegin(leases[2]));
    }

    // Three loaded models on a device with one slot, which the first has.
    private static (GpuAllocator Allocator, List<GpuLease> Leases) ThreeForOneSlot()
    {
        var (_, allocator) = Fresh(8192, slots: 1);
        var leases = ((string[])["a", "b", "c"]).Select(q => allocator.Request(allocator.AddTenant(Model(q, 2048))).Lease!).ToList();
        foreach (var lease in leases) allocator.Loaded(lease);
        Assert.True(allocator.TryBegin(leases[0]));
        return (allocator, leases);
    }

    private static (ManualTime Time, GpuAllocator Allocator) Fresh(int memoryMiB, int slots = 0)
    {
        var world = new GpuWorld(1).Devices(1, memoryMiB, slots);
        return (world.Time, world.Allocator);
    }
}
