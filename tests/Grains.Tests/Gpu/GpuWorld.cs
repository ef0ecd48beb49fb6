using Gristmill.Grains.Gpu;

namespace Gristmill.Grains.Tests.Gpu;

/// <summary>
/// A silo's queues under simulated time: workers that ask for devices, load, work and leave as told, driven by seeded chance.
/// After every step the ledger is checked: the leases on a device never exceed what it has.
/// </summary>
internal sealed class GpuWorld(int seed, GpuPoolOptions? options = null)
{
    private const double Step = 0.1;
    private readonly Random _random = new(seed);
    private readonly List<SimQueue> _queues = [];

    public ManualTime Time { get; } = new();

    public GpuAllocator Allocator => field ??= new GpuAllocator(options ?? new GpuPoolOptions(), Time);

    public double SlotSeconds { get; private set; }

    public double BusySeconds { get; private set; }

    public IReadOnlyList<SimQueue> Queues => _queues;

    public GpuWorld Devices(int count, int memoryMiB, int slots = 0)
    {
        for (var i = 0; i < count; i++) Allocator.AddDevice(new GpuDevice($"gpu{i}", $"gpu{i}", "made-up", "", memoryMiB, slots));
        return this;
    }

    /// <summary>Adds a queue with its workers.</summary>
    /// <param name="model">What it needs.</param>
    /// <param name="workers">How many workers it would like.</param>
    /// <param name="jobSeconds">How long its jobs take at most.</param>
    /// <param name="loadSeconds">How long its model takes to load.</param>
    /// <param name="backlog">Jobs that wait; more come so that it never ends where <paramref name="endless"/>.</param>
    /// <param name="endless">Whether the backlog stays.</param>
    public SimQueue Add(GpuModel model, int workers, double jobSeconds, double loadSeconds, int backlog = 100, bool endless = true)
    {
        var queue = new SimQueue(Allocator.AddTenant(model), workers, jobSeconds, loadSeconds, endless) { Backlog = backlog };
        _queues.Add(queue);
        Allocator.SetDemand(queue.Tenant, backlog);
        return queue;
    }

    /// <summary>Adds a queue of sessions, each of which has its next job as soon as one is done; the one whose job is ready for longest is next.</summary>
    /// <param name="model">What it needs.</param>
    /// <param name="workers">How many workers it would like.</param>
    /// <param name="jobSeconds">How long its jobs take at most.</param>
    /// <param name="loadSeconds">How long its model takes to load.</param>
    /// <param name="sessions">How many sessions.</param>
    public SimQueue AddSessions(GpuModel model, int workers, double jobSeconds, double loadSeconds, int sessions)
    {
        var queue = Add(model, workers, jobSeconds, loadSeconds, sessions, endless: false);
        for (var n = 0; n < sessions; n++) queue.Ready.Enqueue(0);
        return queue;
    }

    public void Run(double seconds, Action? each = null)
    {
        for (var end = Time.Seconds + seconds; Time.Seconds < end;)
        {
            Time.Advance(Step);
            Allocator.Settle();
            foreach (var queue in _queues) Drive(queue);
            Check();
            each?.Invoke();
        }
    }

    private void Drive(SimQueue queue)
    {
        foreach (var worker in queue.Workers)
        {
            worker.Request ??= worker.Lease is null ? Allocator.Request(queue.Tenant) : null;
            if (worker.Request?.Lease is { } granted)
            {
                (worker.Lease, worker.Request) = (granted, null);
                worker.Until = Time.Seconds + queue.LoadSeconds;
                queue.Starts++;
            }

            if (worker.Lease is { } lease) Work(queue, worker, lease);
        }

        if (queue.Tenant.Leases.Count > 0 || queue.Backlog == 0) queue.WaitsSince = null;
        else queue.WaitsSince ??= Time.Seconds;
        queue.LongestWait = Math.Max(queue.LongestWait, Time.Seconds - (queue.WaitsSince ?? Time.Seconds));
        Allocator.SetDemand(queue.Tenant, queue.Backlog, queue.Sessions);
    }

    private void Work(SimQueue queue, SimWorker worker, GpuLease lease)
    {
        SlotSeconds += Step;
        if (lease.State != GpuLeaseState.Idle && Time.Seconds >= worker.Until)
        {
            if (lease.State == GpuLeaseState.Loading)
            {
                Allocator.Loaded(lease);
            }
            else
            {
                queue.Done++;
                queue.JobEnded(Time.Seconds);
                Allocator.SetIdle(lease);
            }
        }

        if (lease.State == GpuLeaseState.Idle && lease.Leaving)
        {
            queue.Evicted++;
            Allocator.Release(lease);
            worker.Lease = null;
        }
        else if (lease.State == GpuLeaseState.Idle && queue.Backlog > 0 && Allocator.TryBegin(lease))
        {
            if (!queue.Endless) queue.Backlog--;
            queue.JobStarted(Time.Seconds);
            worker.Until = Time.Seconds + (queue.JobSeconds * (0.5 + (_random.NextDouble() / 2)));
        }

        if (lease.State == GpuLeaseState.Busy) BusySeconds += Step;
    }

    private void Check()
    {
        foreach (var device in Allocator.Devices)
        {
            var ledger = string.Join(", ", device.Leases.Select(l => $"{l}: {l.MemoryMiB}"));
            Assert.True(device.LeasedMiB <= device.CapacityMiB, $"seed {seed}, {Time.Seconds:F1} s: {device.Device.Name} has {device.CapacityMiB} MiB, leased {device.LeasedMiB}: {ledger}");
            Assert.True(device.Device.Slots == 0 || device.Running <= device.Device.Slots, $"seed {seed}: too many slots on {device.Device.Name}: {ledger}");
            Assert.True(device.Leases.Count == 1 || !device.Leases.Exists(l => l.Alone || l.Tenant.Model.Exclusive), $"seed {seed}: not alone on {device.Device.Name}: {ledger}");
        }
    }
}

/// <summary>A queue of the simulation.</summary>
internal sealed class SimQueue(GpuTenant tenant, int workers, double jobSeconds, double loadSeconds, bool endless)
{
    public GpuTenant Tenant => tenant;

    public IReadOnlyList<SimWorker> Workers { get; } = [.. Enumerable.Range(0, workers).Select(_ => new SimWorker())];

    public double JobSeconds => jobSeconds;

    public double LoadSeconds => loadSeconds;

    public bool Endless => endless;

    public int Backlog { get; set; }

    public int Done { get; set; }

    /// <summary>When the next job of each session that waits was ready, the longest first.</summary>
    public Queue<double> Ready { get; } = new();

    /// <summary>How long each next job of a session waited, and when it started.</summary>
    public List<(double At, double Wait)> Waits { get; } = [];

    /// <summary>Sessions that wait or are served.</summary>
    public long Sessions => Ready.Count + _served;

    private int _served;

    public void JobStarted(double now)
    {
        if (!Ready.TryDequeue(out var since)) return;
        _served++;
        Waits.Add((now, now - since));
    }

    public void JobEnded(double now)
    {
        if (_served == 0) return;
        _served--;
        Ready.Enqueue(now);
        Backlog++;
    }

    public int Starts { get; set; }

    public int Evicted { get; set; }

    public double? WaitsSince { get; set; }

    public double LongestWait { get; set; }
}

/// <summary>A worker of the simulation.</summary>
internal sealed class SimWorker
{
    public GpuRequest? Request { get; set; }

    public GpuLease? Lease { get; set; }

    public double Until { get; set; }
}
