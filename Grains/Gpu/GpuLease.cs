namespace Gristmill.Grains.Gpu;

/// <summary>What the holder of a lease does with it.</summary>
internal enum GpuLeaseState
{
    /// <summary>A worker was granted the memory and loads its model.</summary>
    Loading,

    /// <summary>The model is resident, and no job runs.</summary>
    Idle,

    /// <summary>A job runs: it has a slot of the device.</summary>
    Busy,
}

/// <summary>
/// The right of one worker, or of one call of a C# handler, to so much memory of a device, from the grant to the release.
/// Changed by the <see cref="GpuAllocator"/> alone.
/// </summary>
internal sealed class GpuLease(long number, GpuTenant tenant, GpuDevice device, int memoryMiB, bool alone, long grantedAt)
{
    /// <summary>Counts up: a later lease has a larger number.</summary>
    public long Number => number;

    public GpuTenant Tenant => tenant;

    public GpuDevice Device => device;

    /// <summary>Whether nothing else is on the device.</summary>
    public bool Alone => alone;

    /// <summary>What is kept for it: what the queue needs, raised to what was observed as far as there is room.</summary>
    public int MemoryMiB { get; set; } = memoryMiB;

    /// <summary>The most that its worker was seen to use; 0 where nobody could see it.</summary>
    public int ObservedMiB { get; set; }

    public GpuLeaseState State { get; set; }

    /// <summary>Whether it is to be given back as soon as no job runs: another needs the memory, or the device is put aside.</summary>
    public bool Leaving { get; set; }

    /// <summary>When it was granted, by the allocator's clock.</summary>
    public long GrantedAt { get; } = grantedAt;

    /// <summary>When its last job ended, or its model was loaded.</summary>
    public long LastUsed { get; set; }

    /// <summary>When its slot was taken.</summary>
    public long BeganAt { get; set; }

    /// <summary>The worker's process, to find it among those that nvidia-smi lists; 0 for none.</summary>
    public int ProcessId { get; set; }

    public override string ToString() => $"{tenant.Model.Queue} #{number} on {device.Name} ({State}{(Leaving ? ", leaving" : "")})";
}

/// <summary>A worker that waits to be granted a device.</summary>
internal sealed class GpuRequest(GpuTenant tenant, bool alone, long since)
{
    public GpuTenant Tenant => tenant;

    /// <summary>Whether it needs a device to itself, whatever its queue says: a job ran out of memory.</summary>
    public bool Alone => alone;

    /// <summary>Whether nothing else may be on its device.</summary>
    public bool IsExclusive => alone || tenant.Model.Exclusive;

    /// <summary>When it was made.</summary>
    public long Since => since;

    /// <summary>The device on which room is made for it; null while none is.</summary>
    public GpuDeviceState? Reserved { get; set; }

    /// <summary>The memory that is kept for it there.</summary>
    public int ReservedMiB { get; set; }

    /// <summary>What it was granted; null while it waits.</summary>
    public GpuLease? Lease { get; set; }
}

/// <summary>One queue among those that share the devices of a silo.</summary>
internal sealed class GpuTenant(GpuModel model)
{
    public GpuModel Model => model;

    /// <summary>Its leases, oldest first.</summary>
    public List<GpuLease> Leases { get; } = [];

    /// <summary>Its requests, oldest first.</summary>
    public List<GpuRequest> Requests { get; } = [];

    /// <summary>Jobs that wait for a worker.</summary>
    public long Demand { get; set; }

    /// <summary>Sessions that have a job which runs or could; 0 where the queue has none.</summary>
    public long Sessions { get; set; }

    /// <summary>How long its jobs take, by the last ones; 0 before the first.</summary>
    public double JobSeconds { get; set; }

    /// <summary>Whether it is known how long its sessions wait.</summary>
    public bool HasSessions => Sessions > 0 && JobSeconds > 0;

    /// <summary>Workers that it may keep, or that room is being made for.</summary>
    public int Workers => Leases.Count(l => !l.Leaving) + Requests.Count(r => r.Reserved is not null);

    /// <summary>Workers that wait for a job, or will soon: nobody is sent away for more of them than there are jobs.</summary>
    public int Waiting => Leases.Count(l => !l.Leaving && l.State != GpuLeaseState.Busy) + Requests.Count(r => r.Reserved is not null);

    /// <summary>How long a session waits from one of its jobs to the next with so many workers, about, in seconds.</summary>
    public double SessionSeconds(int workers) => workers <= 0 ? double.PositiveInfinity : Sessions * JobSeconds / workers;

    /// <summary>Since when there is demand.</summary>
    public long DemandSince { get; set; }

    /// <summary>Models loaded since the start of the silo.</summary>
    public long Loads { get; set; }

    /// <summary>Workers whose memory was taken for others.</summary>
    public long Evictions { get; set; }

    /// <summary>Jobs that ran out of memory.</summary>
    public long OutOfMemory { get; set; }

    /// <summary>Memory that it holds or that is being freed for it, in MiB, without what it is about to give back: what fair sharing compares.</summary>
    public long ShareMiB => Leases.Sum(l => l.Leaving ? 0L : l.MemoryMiB) + Requests.Sum(r => r.Reserved is null ? 0L : r.ReservedMiB);

    /// <summary>Whether it holds something that it may keep, or room is being made for it.</summary>
    public bool HasPlace => Leases.Exists(l => !l.Leaving && !l.Alone) || Requests.Exists(r => r.Reserved is not null && !r.Alone);
}
