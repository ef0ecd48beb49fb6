namespace Gristmill.Grains.Gpu;

/// <summary>
/// Where a request fits, and who must go for it: pure functions of the ledgers. Whether somebody may be sent away is decided
/// in three classes, the mildest first:
/// <list type="number">
/// <item>idle workers of queues without demand, the longest unused first;</item>
/// <item>workers of queues that hold more, where the exchange makes the sum of the squares of the queues' memory smaller: that
/// sum falls with each exchange, so with a given demand exchanges come to an end, at the fairest division. Where all of them have
/// sessions, what must become smaller, by a tenth, is the longest time that a session of theirs waits from job to job: sessions
/// are to be served alike, whatever their models take. None loses its last worker in this way, nor before its turn
/// is over, unless the request is of a queue that has none;</item>
/// <item>instead of the second, for a request that is overdue: workers of queues that have had their turn.</item>
/// </list>
/// A busy worker that must go finishes its job first.
/// </summary>
internal static class GpuPlacement
{
    // What sessions wait is an estimate that moves: an exchange, which costs a load, must be worth more than that.
    private const double LeastGain = 0.9;

    /// <summary>The memory that a worker of this queue needs on a device: what is declared, raised to what was observed.</summary>
    public static int Need(GpuModel model, GpuDevice device, int observedMiB) =>
        Math.Max(model.DeclaredMiB, Math.Min(observedMiB, device.MemoryMiB));

    /// <summary>Whether a device can hold the request now, beside what is there and what is promised.</summary>
    public static bool Fits(GpuRequest request, GpuDeviceState device, int needMiB)
    {
        if (device.IsAside || !HasRoomForOneMore(request, device)) return false;
        var promised = device.Reserved.Where(r => r != request).ToList();
        if (request.IsExclusive) return device.Leases.Count == 0 && promised.Count == 0 && device.CapacityMiB >= needMiB;
        if (device.Leases.Any(IsExclusive) || promised.Any(r => r.IsExclusive)) return false;
        var staying = device.Leases.Sum(l => l.Leaving ? 0 : l.MemoryMiB);
        return device.FreeMiB >= needMiB && device.CapacityMiB - staying - promised.Sum(r => r.ReservedMiB) >= needMiB;
    }

    /// <summary>Who must leave a device for the request; null when it cannot have the room.</summary>
    /// <param name="request">Who asks.</param>
    /// <param name="device">Where.</param>
    /// <param name="needMiB">What it needs there.</param>
    /// <param name="overdue">Whether it has waited for its turn.</param>
    /// <param name="hadTurn">Whether a queue has been on the device for a turn.</param>
    public static Eviction? Plan(GpuRequest request, GpuDeviceState device, int needMiB, bool overdue, Func<GpuTenant, bool> hadTurn)
    {
        if (device.IsAside || device.CapacityMiB < needMiB || !HasRoomForOneMore(request, device)) return null;
        var promised = device.Reserved.Where(r => r != request).ToList();
        if (promised.Any(r => r.IsExclusive) || (request.IsExclusive && promised.Count > 0)) return null;
        var staying = device.Leases.Where(l => !l.Leaving).ToList();
        var room = device.CapacityMiB - staying.Sum(l => l.MemoryMiB) - promised.Sum(r => r.ReservedMiB);
        bool IsEnough(int memory, List<GpuLease> gone) => request.IsExclusive
            ? gone.Count == staying.Count
            : memory >= needMiB && !staying.Except(gone).Any(IsExclusive);

        var victims = new List<GpuLease>();
        var worst = 0;
        var candidates = staying
            .Where(l => l.Tenant != request.Tenant || request.Alone)
            .Select(l => (Lease: l, Class: ClassOf(l, request, overdue, hadTurn)))
            .Where(c => c.Class > 0)
            .OrderBy(c => c.Class).ThenBy(c => c.Lease.State == GpuLeaseState.Idle ? 0 : 1).ThenBy(c => c.Lease.LastUsed).ThenBy(c => c.Lease.Number);
        foreach (var (lease, @class) in candidates)
        {
            if (IsEnough(room, victims)) break;
            victims.Add(lease);
            room += lease.MemoryMiB;
            worst = Math.Max(worst, @class);
        }

        if (!IsEnough(room, victims)) return null;
        Spare(victims, ref room, IsEnough);
        return worst == 2 && !IsFairer(request.Tenant, request.IsExclusive ? device.CapacityMiB : needMiB, victims) ? null : new Eviction(device, victims, worst);
    }

    // Who was taken before a larger one made the room need not go.
    private static void Spare(List<GpuLease> victims, ref int room, Func<int, List<GpuLease>, bool> isEnough)
    {
        for (var i = victims.Count - 1; i >= 0; i--)
        {
            var spared = victims[i];
            victims.RemoveAt(i);
            if (isEnough(room - spared.MemoryMiB, victims)) room -= spared.MemoryMiB;
            else victims.Insert(i, spared);
        }
    }

    private static int ClassOf(GpuLease lease, GpuRequest request, bool overdue, Func<GpuTenant, bool> hadTurn)
    {
        var own = lease.Tenant == request.Tenant;
        if (lease.State == GpuLeaseState.Idle && (own || lease.Tenant.Demand == 0)) return 1;
        if (overdue) return own || hadTurn(lease.Tenant) ? 3 : 0;
        return lease.State != GpuLeaseState.Loading && !own && (hadTurn(lease.Tenant) || !request.Tenant.HasPlace) ? 2 : 0;
    }

    private static bool IsFairer(GpuTenant tenant, int needMiB, List<GpuLease> victims)
    {
        static double Square(double value) => value * value;

        // Of what becomes free the rest may come to it too: counted as its own, or the exchange would soon be undone.
        var gain = Math.Max(needMiB, victims.Sum(v => (long)v.MemoryMiB));
        var losers = victims.Where(v => v.State != GpuLeaseState.Idle || v.Tenant.Demand > 0).GroupBy(v => v.Tenant).ToList();
        if (tenant.HasSessions && losers.TrueForAll(l => l.Key.HasSessions)) return ShortensWaits(tenant, (int)(gain / needMiB), losers);
        var change = Square(tenant.ShareMiB + gain) - Square(tenant.ShareMiB);
        foreach (var queue in losers)
        {
            var left = queue.Key.ShareMiB - queue.Sum(v => v.MemoryMiB);
            if (left <= 0 && queue.Key.Demand > 0) return false;
            change += Square(left) - Square(queue.Key.ShareMiB);
        }

        return change < 0;
    }

    private static bool ShortensWaits(GpuTenant tenant, int gain, List<IGrouping<GpuTenant, GpuLease>> losers)
    {
        if (losers.Exists(l => l.Key.Workers <= l.Count())) return false;
        var before = Math.Max(tenant.SessionSeconds(tenant.Workers), losers.Max(l => l.Key.SessionSeconds(l.Key.Workers)));
        var after = Math.Max(tenant.SessionSeconds(tenant.Workers + gain), losers.Max(l => l.Key.SessionSeconds(l.Key.Workers - l.Count())));
        return after < LeastGain * before;
    }

    private static bool HasRoomForOneMore(GpuRequest request, GpuDeviceState device) =>
        request.Alone || request.Tenant.Model.MaxPerDevice is not (> 0 and var most) || device.Leases.Count(l => l.Tenant == request.Tenant) < most;

    private static bool IsExclusive(GpuLease lease) => lease.Alone || lease.Tenant.Model.Exclusive;

    /// <summary>Who leaves a device.</summary>
    /// <param name="Device">The device.</param>
    /// <param name="Victims">The leases.</param>
    /// <param name="Class">The hardest class that was needed, 1 to 3.</param>
    public sealed record Eviction(GpuDeviceState Device, IReadOnlyList<GpuLease> Victims, int Class);
}
