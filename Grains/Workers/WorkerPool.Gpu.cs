using Gristmill.Grains.Gpu;
using Gristmill.Grains.Handlers;

namespace Gristmill.Grains.Workers;

/// <summary>
/// What a pool whose workers need a device has to do with the silo's <see cref="GpuPool"/>: a slot asks for a lease before its
/// process starts; a batch of jobs takes a slot of the device; a worker whose device is wanted stops once it is idle; the lease
/// ends with the process. Without a seat all of this is nothing.
/// </summary>
internal sealed partial class WorkerPool
{
    private readonly GpuSeat? _seat;

    // Under the lock: whether the slot's process may start, and on what.
    private bool HasDevice(WorkerSlot slot, out GpuLease? lease)
    {
        lease = null;
        if (_seat is null)
        {
            return true;
        }

        slot.Request ??= _seat.Request();
        lease = slot.Request.Lease;
        if (lease is null)
        {
            return false;
        }

        slot.Request = null;
        if (!lease.Leaving)
        {
            return true;
        }

        _seat.Release(lease);
        return false;
    }

    private void WithdrawRequest(WorkerSlot slot)
    {
        if (slot.Request is { } request)
        {
            slot.Request = null;
            _seat?.Withdraw(request);
        }
    }

    private void ReleaseDevice(WorkerProcess worker, WorkerObituary obituary)
    {
        if (_seat is null || worker.Lease is not { } lease)
        {
            return;
        }

        if (!obituary.WasOrderly)
        {
            _seat.Blame(lease, obituary.Why);
        }

        _seat.Release(lease);
    }

    /// <summary>The first idle worker for whose job its device has a slot, beginning with this one; the others stand in line for one.</summary>
    private WorkerProcess? WithSlot(WorkerProcess worker) => _seat is null
        ? worker
        : _slots.Select(slot => slot.Worker).FirstOrDefault(
            other => other is { State: WorkerState.Idle, Lease: { } lease } && _seat.TryBegin(lease));

    private void GiveSlotBack(WorkerProcess worker)
    {
        if (worker.Lease is { } lease)
        {
            _seat?.SetIdle(lease);
        }
    }

    private void LeaveSlotLines()
    {
        foreach (var slot in _seat is null ? [] : _slots)
        {
            if (slot.Worker?.Lease is { } lease)
            {
                _seat!.LeaveSlotLine(lease);
            }
        }
    }

    private AttemptResult Judge(WorkerJob job, AttemptResult outcome) =>
        _seat is not null && job.Worker?.Lease is { } lease ? _seat.Judge(lease, outcome) : outcome;

    private void OnDeviceLoaded(WorkerProcess worker)
    {
        if (worker.Lease is { } lease)
        {
            _seat?.Loaded(lease);
            StopIfLeaving(worker);
        }
    }

    private void OnGpuMemory(WorkerProcess worker, long usedMiB)
    {
        if (worker.Lease is { } lease)
        {
            _seat?.Observe(lease, usedMiB);
        }
    }

    private void StopIfLeaving(WorkerProcess worker)
    {
        // Reserved, so that no job comes between.
        if (worker.IsLeaving && worker.TryReserve())
        {
            worker.Stop(WorkerEnd.Evicted);
        }
    }

    private void OnDevicesChanged()
    {
        WorkerProcess[] workers;
        lock (_gate)
        {
            if (_stopping)
            {
                return;
            }

            workers = [.. _slots.Select(slot => slot.Worker).OfType<WorkerProcess>()];
        }

        foreach (var worker in workers)
        {
            StopIfLeaving(worker);
        }

        Sweep();
        Dispatch();
    }
}
