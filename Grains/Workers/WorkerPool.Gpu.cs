using Gristmill.Grains.Gpu;
using Gristmill.Grains.Handlers;

namespace Gristmill.Grains.Workers;

/// <summary>
/// What a pool whose workers need a device has to do with the silo's <see cref="GpuPool"/>: a slot asks for a lease before its
/// process starts; a batch of jobs takes a slot of the device, before it is claimed; a worker whose device is wanted stops once
/// it is idle; the lease ends with the process. Without a seat all of this is nothing.
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

        if (IsAloneForNothing(slot))
        {
            return false;
        }

        slot.Request ??= _seat.Request(alone: slot == _alone);
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

    private void GiveSlotBack(WorkerProcess worker)
    {
        worker.IsHeld = false;
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
        lock (_gate)
        {
            // One that is kept for a claim is looked at again when that is over.
            if (!MustLeave(worker) || worker.IsHeld)
            {
                return;
            }
        }

        // Reserved, so that no job comes between.
        if (worker.TryReserve())
        {
            worker.Stop(WorkerEnd.Evicted);
        }
    }

    private bool MustLeave(WorkerProcess worker) => worker.IsLeaving || (worker.Lease is { Alone: true } && _aloneLine.Count == 0);

    private void OnDevicesChanged()
    {
        WorkerProcess[] workers;
        lock (_gate)
        {
            if (_stopping)
            {
                return;
            }

            workers = [.. AllSlots.Select(slot => slot.Worker).OfType<WorkerProcess>()];
        }

        foreach (var worker in workers)
        {
            StopIfLeaving(worker);
        }

        Sweep();
        Dispatch();
        RoomChanged?.Invoke();
    }
}
