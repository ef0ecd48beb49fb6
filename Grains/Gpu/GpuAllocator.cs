using Gristmill.Store;

namespace Gristmill.Grains.Gpu;

/// <summary>
/// Shares the devices of a silo among its queues, without any I/O: the ledger of who holds how much of which device. Called by
/// <see cref="GpuPool"/>, under its lock, with what happens; each call ends with <see cref="Settle"/>, which grants what can
/// be granted and marks who must leave. The same calls at the same times give the same grants.
/// <list type="number">
/// <item>A request is granted memory that is free: on a device where the model is resident, else where it leaves least over.</item>
/// <item>Where there is none and the queue has more jobs than workers that wait for one, the mildest eviction is chosen (<see cref="GpuPlacement"/>), and the
/// room that it makes is kept for the request.</item>
/// <item>Order of requests: overdue ones by age; then queues with demand before others, by priority, by how long their sessions
/// wait where all have sessions, else by the memory that they hold, by age.</item>
/// </list>
/// Guarantees: the leases on a device never exceed its memory when granted; a busy worker is not interrupted; a queue with
/// demand and no worker is overdue after a turn, and then gets the place of a queue that has had its own.
/// </summary>
internal sealed class GpuAllocator(GpuPoolOptions options, TimeProvider time)
{
    // How much the last job weighs in the mean time of a queue's jobs.
    private const double LastJobWeight = 0.1;

    private readonly List<GpuDeviceState> _devices = [];
    private readonly List<GpuTenant> _tenants = [];
    private readonly Dictionary<(string Model, string Type), int> _observed = [];
    private readonly HashSet<(string Model, string Type)> _news = [];
    private readonly TimeSpan _turn = TimeSpan.FromSeconds(options.TurnSeconds);
    private long _lastLease;

    /// <summary>Rises when somebody was granted a lease, must leave, or may find a slot.</summary>
    public long Changes { get; private set; }

    public IReadOnlyList<GpuDeviceState> Devices => _devices;

    public IReadOnlyList<GpuTenant> Tenants => _tenants;

    public GpuDeviceState AddDevice(GpuDevice device)
    {
        var state = new GpuDeviceState(device);
        _devices.Add(state);
        Settle();
        return state;
    }

    public GpuTenant AddTenant(GpuModel model)
    {
        var tenant = new GpuTenant(model);
        _tenants.Add(tenant);
        return tenant;
    }

    /// <summary>So many jobs of a queue wait for a worker.</summary>
    /// <param name="tenant">The queue.</param>
    /// <param name="jobs">The jobs.</param>
    /// <param name="sessions">Sessions that have a job which runs or could; 0 where the queue has none.</param>
    public void SetDemand(GpuTenant tenant, long jobs, long sessions = 0)
    {
        if (tenant.Demand == 0 && jobs > 0) tenant.DemandSince = time.GetTimestamp();
        tenant.Demand = jobs;
        tenant.Sessions = sessions;
        Settle();
    }

    /// <summary>A worker wants to start; it is granted now or at a later call.</summary>
    public GpuRequest Request(GpuTenant tenant, bool alone = false)
    {
        var request = new GpuRequest(tenant, alone, time.GetTimestamp());
        tenant.Requests.Add(request);
        Settle();
        return request;
    }

    /// <summary>It no longer wants to.</summary>
    public void Withdraw(GpuRequest request)
    {
        request.Tenant.Requests.Remove(request);
        Unreserve(request);
        Settle();
    }

    /// <summary>The model is loaded.</summary>
    public void Loaded(GpuLease lease)
    {
        lease.Tenant.Loads++;
        SetIdle(lease);
    }

    /// <summary>Takes a slot for a job; false while the device has none free, or the worker is to leave.</summary>
    public bool TryBegin(GpuLease lease)
    {
        // One that was released meanwhile must not stand in line: nobody would take it out again.
        if (lease.Leaving || lease.State != GpuLeaseState.Idle || !StateOf(lease).Leases.Contains(lease) || !StateOf(lease).TryTakeSlot(lease)) return false;
        lease.State = GpuLeaseState.Busy;
        lease.BeganAt = time.GetTimestamp();
        return true;
    }

    /// <summary>Its jobs have ended: the slot is free.</summary>
    public void SetIdle(GpuLease lease)
    {
        if (lease.State == GpuLeaseState.Busy)
        {
            var (took, known) = (time.GetElapsedTime(lease.BeganAt).TotalSeconds, lease.Tenant.JobSeconds);
            lease.Tenant.JobSeconds = known > 0 ? known + ((took - known) * LastJobWeight) : took;
        }

        lease.State = GpuLeaseState.Idle;
        lease.LastUsed = time.GetTimestamp();
        if (StateOf(lease).HasSlotLine) Changes++;
        Settle();
    }

    /// <summary>The slot was taken for a job that did not come: as if it had not been taken.</summary>
    public void GiveBack(GpuLease lease)
    {
        lease.State = GpuLeaseState.Idle;
        if (StateOf(lease).HasSlotLine) Changes++;
        Settle();
    }

    /// <summary>No job waits for this worker, should a slot become free. Returns whether it stood in line.</summary>
    public bool LeaveSlotLine(GpuLease lease)
    {
        var device = StateOf(lease);
        if (!device.LeaveSlotLine(lease)) return false;
        if (device.HasSlotLine) Changes++;
        return true;
    }

    /// <summary>The worker has ended: its memory is free.</summary>
    public void Release(GpuLease lease)
    {
        var device = StateOf(lease);
        if (!device.Leases.Remove(lease)) return;
        lease.Tenant.Leases.Remove(lease);
        device.LeaveSlotLine(lease);
        if (device.HasSlotLine) Changes++;
        device.End(lease.Tenant, lease.Leaving, time.GetTimestamp());
        Settle();
    }

    /// <summary>A worker was seen to use so much. Returns whether that is more than was known of its model on this type of device.</summary>
    public bool Observe(GpuLease lease, int usedMiB)
    {
        lease.ObservedMiB = Math.Max(lease.ObservedMiB, usedMiB);
        if (usedMiB > lease.MemoryMiB) lease.MemoryMiB += Math.Min(usedMiB - lease.MemoryMiB, StateOf(lease).FreeMiB);
        var key = (lease.Tenant.Model.Model, lease.Device.Type);
        if (usedMiB <= _observed.GetValueOrDefault(key)) return false;
        _observed[key] = usedMiB;
        _news.Add(key);
        return true;
    }

    /// <summary>Whether there are peaks that other silos do not know yet.</summary>
    public bool HasNews => _news.Count > 0;

    /// <summary>The peaks that were seen here since the last call: what other silos do not know yet.</summary>
    public IReadOnlyList<GpuPeak> TakeNews()
    {
        var news = _news.Select(n => new GpuPeak(n.Model, n.Type, _observed[n])).ToList();
        _news.Clear();
        return news;
    }

    /// <summary>
    /// What is known in the cluster takes the place of what was known here, but for news: a peak that somebody has had
    /// forgotten is forgotten here too.
    /// </summary>
    public void SetPeaks(IEnumerable<GpuPeak> peaks)
    {
        var news = _news.ToDictionary(n => n, n => _observed[n]);
        _observed.Clear();
        foreach (var peak in peaks) _observed[(peak.Model, peak.Type)] = peak.PeakMiB;
        foreach (var (key, peak) in news) _observed[key] = Math.Max(peak, _observed.GetValueOrDefault(key));
        Settle();
    }

    /// <summary>The most that a model was seen to use on a type of device, in MiB; 0 where nobody has seen it.</summary>
    public int ObservedOf(string model, string type) => _observed.GetValueOrDefault((model, type));

    /// <summary>What nvidia-smi says of a device; null where it no longer lists it.</summary>
    public void Read(GpuDeviceState device, GpuReading? reading, int foreignMiB)
    {
        device.Missing = reading is null;
        device.Reading = reading;
        device.ForeignMiB = foreignMiB;
        Settle();
    }

    /// <summary>The device has done a job.</summary>
    public void Succeeded(GpuLease lease)
    {
        var device = StateOf(lease);
        (device.Failures, device.Asides) = (0, 0);
    }

    /// <summary>The device has failed. Returns how long it is put aside for; null while it is not.</summary>
    public TimeSpan? Failed(GpuLease lease, string why)
    {
        var device = StateOf(lease);
        if (device.IsAside || ++device.Failures < options.FailuresUntilAside) return null;
        var seconds = Math.Min(options.AsideSeconds * Math.Pow(2, Math.Min(device.Asides, 30)), options.MaxAsideSeconds);
        device.AsideUntil = time.GetTimestamp() + (long)(seconds * time.TimestampFrequency);
        device.Trouble = why;
        device.Asides++;
        device.Failures = 0;
        Settle();
        return TimeSpan.FromSeconds(seconds);
    }

    /// <summary>A job ran out of memory: idle workers of other queues on its device make room. Returns how many.</summary>
    public int MakeRoom(GpuLease lease)
    {
        lease.Tenant.OutOfMemory++;
        var idle = StateOf(lease).Leases.Where(l => l != lease && l.Tenant != lease.Tenant && l is { State: GpuLeaseState.Idle, Leaving: false }).ToList();
        foreach (var victim in idle) Evict(victim);
        return idle.Count;
    }

    /// <summary>Why no job of a queue can start now.</summary>
    public GpuWait WhyWaiting(GpuTenant tenant)
    {
        var leases = tenant.Leases.Where(l => !l.Leaving).ToList();
        if (leases.Exists(l => l.State == GpuLeaseState.Idle && (l.Device.Slots == 0 || StateOf(l).Running < l.Device.Slots))) return GpuWait.None;
        if (leases.Exists(l => l.State == GpuLeaseState.Loading)) return GpuWait.ModelLoading;
        if (leases.Count > 0) return GpuWait.NoSlot;
        var able = _devices.Where(d => d.Device.MemoryMiB >= NeedOf(tenant, d)).ToList();
        if (able.Count == 0) return GpuWait.NoDevice;
        if (able.TrueForAll(d => d.IsAside)) return GpuWait.DevicePutAside;
        // A queue whose C# handler asks only when there are jobs has none while nothing hinders it.
        var request = new GpuRequest(tenant, alone: false, 0);
        return able.Exists(d => GpuPlacement.Fits(request, d, NeedOf(tenant, d))) ? GpuWait.None : GpuWait.Memory;
    }

    /// <summary>What a worker of a queue needs on a device, MiB.</summary>
    public int NeedOf(GpuTenant tenant, GpuDeviceState device) =>
        GpuPlacement.Need(tenant.Model, device.Device, ObservedOf(tenant.Model.Model, device.Device.Type));

    public GpuDeviceState StateOf(GpuLease lease) => _devices.Find(d => d.Device.Id == lease.Device.Id)!;

    /// <summary>Grants and evicts until nothing more can be done now; also to be called from time to time, since waiting makes overdue.</summary>
    public void Settle()
    {
        var now = time.GetTimestamp();
        foreach (var device in _devices) LookAfter(device, now);
        while (Advance(now))
        {
            // Each grant and each eviction changes the order.
        }
    }

    // One grant or one eviction. Behind an overdue request that nothing can be done for yet, nobody new gets a place: those who
    // hold one come to the end of their turns, and it is next.
    private bool Advance(long now)
    {
        var blocked = false;
        foreach (var request in InOrder(now))
        {
            if (blocked && request.Reserved is null) continue;
            if (TryGrant(request, now) || TryReserve(request, now)) return true;
            blocked |= request.Reserved is null && IsOverdue(request, now) && _devices.Exists(d => !d.IsAside && d.CapacityMiB >= NeedOf(request.Tenant, d));
        }

        return false;
    }

    private void LookAfter(GpuDeviceState device, long now)
    {
        if (device.AsideUntil is { } until && until <= now) (device.AsideUntil, device.Trouble) = (null, null);
        if (!device.IsAside) return;
        foreach (var request in device.Reserved.ToList()) Unreserve(request);
        foreach (var lease in device.Leases.Where(l => !l.Leaving))
        {
            lease.Leaving = true;
            device.LeaveSlotLine(lease);
            Changes++;
        }
    }

    // One request for each queue, since those of a queue are alike; and one for a job that must be alone.
    private List<GpuRequest> InOrder(long now)
    {
        var requests = _tenants.SelectMany(t => t.Requests.GroupBy(r => (r.Alone, r.Reserved)).Select(g => g.First())).ToList();
        var bySessions = requests.TrueForAll(r => r.Tenant.HasSessions);
        return [.. requests
            .OrderBy(r => IsOverdue(r, now) ? 0 : 1)
            .ThenBy(r => IsOverdue(r, now) ? WaitsSince(r) : 0)
            .ThenBy(r => r.Tenant.Demand > 0 ? 0 : 1)
            .ThenBy(r => r.Tenant.Model.Priority)
            .ThenBy(r => bySessions ? -r.Tenant.SessionSeconds(r.Tenant.Workers) : r.Tenant.ShareMiB)
            .ThenBy(WaitsSince)];
    }

    private bool TryGrant(GpuRequest request, long now)
    {
        var tenant = request.Tenant;
        var device = request.Reserved is { } reserved
            ? GpuPlacement.Fits(request, reserved, request.ReservedMiB) ? reserved : null
            : _devices.Where(d => GpuPlacement.Fits(request, d, NeedOf(tenant, d)))
                .OrderBy(d => d.Leases.Exists(l => l.Tenant.Model.Model == tenant.Model.Model) ? 0 : 1).ThenBy(d => d.FreeMiB).FirstOrDefault();
        if (device is null) return false;
        var memory = request.IsExclusive ? device.CapacityMiB : Math.Max(request.ReservedMiB, NeedOf(tenant, device) is var need && need <= device.FreeMiB ? need : 0);
        Unreserve(request);
        tenant.Requests.Remove(request);
        device.Begin(tenant, now, time, _turn);
        var lease = new GpuLease(++_lastLease, tenant, device.Device, memory, request.Alone, now) { LastUsed = now };
        device.Leases.Add(lease);
        tenant.Leases.Add(lease);
        request.Lease = lease;
        Changes++;
        return true;
    }

    private bool TryReserve(GpuRequest request, long now)
    {
        var tenant = request.Tenant;
        if (request.Reserved is not null || (!request.Alone && tenant.Demand <= tenant.Waiting)) return false;
        var plan = Plan(request, overdue: false, now) ?? (IsOverdue(request, now) ? Plan(request, overdue: true, now) : null);
        if (plan is null) return false;
        foreach (var victim in plan.Victims) Evict(victim);
        request.Reserved = plan.Device;
        request.ReservedMiB = NeedOf(tenant, plan.Device);
        plan.Device.Reserved.Add(request);
        return true;
    }

    private GpuPlacement.Eviction? Plan(GpuRequest request, bool overdue, long now) => _devices
        .Select(d => GpuPlacement.Plan(request, d, NeedOf(request.Tenant, d), overdue, t => time.GetElapsedTime(d.HeldSince(t), now) >= _turn))
        .OfType<GpuPlacement.Eviction>()
        .OrderBy(p => p.Class).ThenBy(p => p.Victims.Count).ThenBy(p => p.Victims.Sum(v => v.MemoryMiB)).ThenBy(p => p.Victims.Select(v => v.LastUsed).DefaultIfEmpty().Max())
        .FirstOrDefault();

    private bool IsOverdue(GpuRequest request, long now) =>
        (request.Tenant.Demand > 0 || request.Alone) && (request.Alone || !request.Tenant.HasPlace) && time.GetElapsedTime(WaitsSince(request), now) >= _turn;

    private static long WaitsSince(GpuRequest request) => request.Alone ? request.Since : Math.Max(request.Since, request.Tenant.DemandSince);

    private void Evict(GpuLease lease)
    {
        Changes++;
        lease.Leaving = true;
        StateOf(lease).LeaveSlotLine(lease);
        lease.Tenant.Evictions++;
    }

    private static void Unreserve(GpuRequest request)
    {
        request.Reserved?.Reserved.Remove(request);
        request.Reserved = null;
    }
}
