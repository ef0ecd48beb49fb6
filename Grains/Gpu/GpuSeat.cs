using Gristmill.Grains.Handlers;
using Gristmill.Grains.Telemetry;

namespace Gristmill.Grains.Gpu;

/// <summary>A queue's place at the pool, held by the runner of its jobs.</summary>
/// <param name="pool">The pool.</param>
/// <param name="tenant">The queue's account.</param>
/// <param name="changed">Called on the thread pool when a request may have been granted, a lease must be given back, or a slot may be free.</param>
internal sealed class GpuSeat(GpuPool pool, GpuTenant tenant, Action changed)
{
    /// <summary>Whether each lease of the queue has its device to itself anyhow.</summary>
    public bool IsExclusive => tenant.Model.Exclusive;

    /// <summary>The queue whose place it is.</summary>
    public string Queue => tenant.Model.Queue;

    /// <param name="alone">Whether nothing else may be on the device, whatever the queue says.</param>
    public GpuRequest Request(bool alone = false) => pool.Do(a => a.Request(tenant, alone));

    /// <summary>Jobs that wait, as far as is known.</summary>
    public long Demand => pool.Do(_ => tenant.Demand);

    /// <summary>Somebody has pushed jobs just now: they are counted within a second, and until then it is one.</summary>
    public void Wanted() => pool.Do(a =>
    {
        if (tenant.Demand == 0) a.SetDemand(tenant, 1, tenant.Sessions);
    });

    /// <summary>Takes a request back, and with it what it was granted meanwhile.</summary>
    public void Withdraw(GpuRequest request) => pool.Do(a =>
    {
        if (request.Lease is { } lease) a.Release(lease);
        else a.Withdraw(request);
    });

    public void Loaded(GpuLease lease)
    {
        pool.Do(a => a.Loaded(lease));
        GristmillTelemetry.ModelLoads.Add(1, GristmillTelemetry.Queue(tenant.Model.Queue));
    }

    public bool TryBegin(GpuLease lease) => pool.Do(a => a.TryBegin(lease));

    public void SetIdle(GpuLease lease) => pool.Do(a => a.SetIdle(lease));

    /// <summary>The slot that <see cref="TryBegin"/> took was not needed.</summary>
    public void GiveBack(GpuLease lease) => pool.Do(a => a.GiveBack(lease));

    public void LeaveSlotLine(GpuLease lease) => pool.Do(a => a.LeaveSlotLine(lease));

    public void Release(GpuLease lease) => pool.Do(a => a.Release(lease));

    /// <summary>A worker says that it uses so much, in MiB.</summary>
    public void Observe(GpuLease lease, long usedMiB) => pool.Do(a => a.Observe(lease, (int)Math.Clamp(usedMiB, 0, lease.Device.MemoryMiB)));

    /// <inheritdoc cref="GpuPool.Judge"/>
    public AttemptResult Judge(GpuLease lease, AttemptResult result) => pool.Judge(lease, result);

    /// <inheritdoc cref="GpuPool.Blame"/>
    public void Blame(GpuLease lease, string text) => pool.Blame(lease, text);

    public void Leave() => pool.Leave(this);

    public void Tell() => changed();

    /// <summary>What a worker's environment says of its lease.</summary>
    public static IEnumerable<(string Name, string Value)> Environment(GpuLease lease) =>
    [
        ("CUDA_VISIBLE_DEVICES", lease.Device.Visible),
        ("CUDA_DEVICE_ORDER", "PCI_BUS_ID"),
        ("GRISTMILL_GPU", lease.Device.Name),
        ("GRISTMILL_GPU_MEMORY_MIB", lease.MemoryMiB.ToString(System.Globalization.CultureInfo.InvariantCulture)),
    ];
}
