namespace Gristmill.Grains.Gpu;

/// <summary>The ledger of one device: what it has, who holds it, for whom room is made, and how it fared. Used by <see cref="GpuAllocator"/>.</summary>
internal sealed class GpuDeviceState(GpuDevice device)
{
    private readonly Dictionary<GpuTenant, Tenure> _tenures = [];
    private readonly List<GpuLease> _slotLine = [];

    public GpuDevice Device => device;

    /// <summary>All leases on it.</summary>
    public List<GpuLease> Leases { get; } = [];

    /// <summary>Requests for which room is made on it.</summary>
    public List<GpuRequest> Reserved { get; } = [];

    /// <summary>Memory that processes other than the pool's workers use.</summary>
    public int ForeignMiB { get; set; }

    /// <summary>What nvidia-smi said last; null where it is not asked.</summary>
    public GpuReading? Reading { get; set; }

    /// <summary>Failures since the last success.</summary>
    public int Failures { get; set; }

    /// <summary>How often it was put aside since the last success.</summary>
    public int Asides { get; set; }

    /// <summary>Until when it is put aside, by the allocator's clock; null when it is not.</summary>
    public long? AsideUntil { get; set; }

    /// <summary>Why it was put aside; null when it is not.</summary>
    public string? Trouble { get; set; }

    /// <summary>Whether nvidia-smi no longer lists it.</summary>
    public bool Missing { get; set; }

    public bool IsAside => Missing || AsideUntil is not null;

    /// <summary>What the pool may give: all but what others use.</summary>
    public int CapacityMiB => Math.Max(0, device.MemoryMiB - ForeignMiB);

    public int LeasedMiB => Leases.Sum(l => l.MemoryMiB);

    public int FreeMiB => Math.Max(0, CapacityMiB - LeasedMiB);

    /// <summary>Jobs that run on it.</summary>
    public int Running => Leases.Count(l => l.State == GpuLeaseState.Busy);

    /// <summary>
    /// Takes a slot. Who finds none free stands in line for the next, so that no queue is passed over for ever.
    /// </summary>
    public bool TryTakeSlot(GpuLease lease)
    {
        var place = _slotLine.IndexOf(lease);
        var before = place < 0 ? _slotLine.Count : place;
        if (device.Slots > 0 && Running + before >= device.Slots)
        {
            if (place < 0) _slotLine.Add(lease);
            return false;
        }

        if (place >= 0) _slotLine.RemoveAt(place);
        return true;
    }

    /// <summary>Leaves the line for a slot.</summary>
    public bool LeaveSlotLine(GpuLease lease) => _slotLine.Remove(lease);

    /// <summary>Whether somebody waits for a slot.</summary>
    public bool HasSlotLine => _slotLine.Count > 0;

    /// <summary>A queue got a lease: its turn begins, or goes on where it only changed its worker.</summary>
    public void Begin(GpuTenant tenant, long now, TimeProvider time, TimeSpan turn)
    {
        var goesOn = _tenures.TryGetValue(tenant, out var tenure) && (tenure.LeftAt is not { } left || time.GetElapsedTime(left, now) < turn);
        _tenures[tenant] = new Tenure(goesOn ? tenure.Since : now, null);
    }

    /// <summary>A queue has no lease here any more; where it was evicted, its turn is over.</summary>
    public void End(GpuTenant tenant, bool evicted, long now)
    {
        if (Leases.Any(l => l.Tenant == tenant)) return;
        if (evicted) _tenures.Remove(tenant);
        else if (_tenures.TryGetValue(tenant, out var tenure)) _tenures[tenant] = tenure with { LeftAt = now };
    }

    /// <summary>Since when a queue has had a lease here, but for changes of its worker.</summary>
    public long HeldSince(GpuTenant tenant) => _tenures[tenant].Since;

    private readonly record struct Tenure(long Since, long? LeftAt);
}
