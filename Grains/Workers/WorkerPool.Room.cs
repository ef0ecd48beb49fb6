using Gristmill.Grains.Handlers;

namespace Gristmill.Grains.Workers;

/// <summary>
/// How many jobs the bridge may claim: as many as workers, and slots of their devices, can begin with now. The slots are
/// shared with other queues, so they are taken before a claim and given back where it brought fewer jobs: no job waits for
/// one while it counts as running. Workers without a device have nothing to take.
/// </summary>
internal sealed partial class WorkerPool
{
    // Jobs that workers have, also those that end.
    private int _onWorkers;

    public Action? RoomChanged { get; set; }

    /// <inheritdoc/>
    public int? Concurrency
    {
        get
        {
            lock (_gate)
            {
                return Ready.Where(worker => !IsSlotted(worker)).Sum(worker => worker.BatchSize + _line.Ahead)
                    + Ready.Where(IsSlotted).GroupBy(worker => worker.Lease!.Device)
                        .Sum(device => Math.Min(device.Count(), device.Key.Slots) * device.First().BatchSize);
            }
        }
    }

    private IEnumerable<WorkerProcess> Ready =>
        _slots.Select(slot => slot.Worker).OfType<WorkerProcess>().Where(worker => worker is { State: WorkerState.Idle or WorkerState.Busy, IsLeaving: false });

    public int Reserve(int executing)
    {
        lock (_gate)
        {
            if (_seat is null)
            {
                return Ready.Sum(RoomOf) - OnTheirWay(executing);
            }

            foreach (var worker in Ready.Where(worker => worker.State == WorkerState.Idle))
            {
                HasSlot(worker);
            }

            return Room() - OnTheirWay(executing);
        }
    }

    public void Settle(int executing, bool wants)
    {
        if (_seat is null)
        {
            return;
        }

        var leaving = new List<WorkerProcess>();
        lock (_gate)
        {
            var spare = _slots.Select(slot => slot.Worker).OfType<WorkerProcess>().Where(worker => worker.IsHeld).OrderBy(worker => worker.IsLeaving ? 0 : 1).ToList();
            var room = spare.Sum(worker => worker.BatchSize);
            foreach (var worker in spare)
            {
                if (room - worker.BatchSize < OnTheirWay(executing))
                {
                    break;
                }

                room -= worker.BatchSize;
                worker.IsHeld = false;
                _seat.GiveBack(worker.Lease!);
                leaving.Add(worker);
            }

            if (!wants && _line.Count == 0)
            {
                LeaveSlotLines();
            }
        }

        foreach (var worker in leaving)
        {
            StopIfLeaving(worker);
        }
    }

    public void Wanted() => _seat?.Wanted();

    // What can begin now, or goes ahead of a worker that is busy.
    private int Room()
    {
        var room = 0;
        foreach (var worker in _slots.Select(slot => slot.Worker).OfType<WorkerProcess>())
        {
            if (IsSlotted(worker))
            {
                room += worker.IsHeld ? worker.BatchSize : 0;
            }
            else if (worker.IsHeld || worker is { State: WorkerState.Busy, IsLeaving: false })
            {
                room += RoomOf(worker);
            }
        }

        return room;
    }

    // What a worker has beyond its room is not taken from the others': those that end, or leave, have no room of their own.
    private int RoomOf(WorkerProcess worker) => Math.Max(0, worker.BatchSize + _line.Ahead - worker.JobsOn);

    // Launched, and not with a worker yet; those that need a device to themselves take no room of others.
    private int OnTheirWay(int executing) => executing - _onWorkers - _aloneLine.Count;

    private static bool IsSlotted(WorkerProcess worker) => worker.Lease is { Device.Slots: > 0 };

    private void OnWorkers(WorkerProcess worker, int jobs)
    {
        _onWorkers += jobs;
        worker.JobsOn += jobs;
    }

    private void LeftWorker(WorkerJob job)
    {
        lock (_gate)
        {
            if (job.Worker is { } worker)
            {
                OnWorkers(worker, -1);
            }
        }
    }

    // One that is wanted elsewhere still does what was claimed for it.
    private static bool MayBegin(WorkerProcess worker) => worker.State == WorkerState.Idle && (!worker.IsLeaving || worker.IsHeld);

    // Under the lock: whether a worker has a slot of its device, which it may take now.
    private bool HasSlot(WorkerProcess worker) =>
        _seat is null || worker.IsHeld || (worker.IsHeld = worker.Lease is { } lease && _seat.TryBegin(lease));

    // Jobs whose worker died before it got them, and that no other has room for, go back to the queue at no charge: others may
    // have the device, and waiting here would spend their time. One that has cost a worker stays, to run alone.
    private bool IsStranded(WorkerJob job) => _seat is not null && !job.Alone && _slots.All(slot => slot.Worker is null);

    private void GiveBackStranded()
    {
        if (_seat is null)
        {
            return;
        }

        foreach (var job in _line.TakeFromEnd(Math.Max(0, Room())))
        {
            job.End(AttemptResult.Cancelled.Instance);
        }
    }
}
