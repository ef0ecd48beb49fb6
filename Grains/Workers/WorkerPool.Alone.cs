using Gristmill.Grains.Gpu;
using Gristmill.Grains.Handlers;

namespace Gristmill.Grains.Workers;

/// <summary>
/// Jobs of which an attempt has run out of memory: the next one runs on a device to itself, in a worker that is started for
/// it and ends with it. Until the device is empty the job waits here, takes no room of others, and its time limit rests.
/// </summary>
internal sealed partial class WorkerPool
{
    /// <summary>What has not been granted a device by then goes back to the queue, where another silo may have one.</summary>
    private static readonly TimeSpan AloneWait = TimeSpan.FromMinutes(10);

    private readonly WorkerLine _aloneLine;
    private readonly WorkerSlot? _alone;

    private IEnumerable<WorkerSlot> AllSlots => _alone is null ? _slots : _slots.Append(_alone);

    // A queue whose workers are alone on their devices anyhow has nothing more to give.
    private bool NeedsDevice(JobAttempt attempt) => _seat is { IsExclusive: false } && attempt.AfterOutOfMemory;

    private WorkerLine LineOf(WorkerJob job) => job.NeedsDevice ? _aloneLine : _line;

    private void AwaitDevice(WorkerJob job)
    {
        job.Attempt.Timer?.Hold();
        job.Progress.Report(0, 0, GpuAloneLine.WaitText);
        StartIn(_alone!, _context.Time.GetTimestamp());

        // It takes no room of others while it waits.
        RoomChanged?.Invoke();
    }

    private void DispatchAlone()
    {
        WorkerProcess worker;
        IReadOnlyList<WorkerJob> jobs;
        lock (_gate)
        {
            if (_alone?.Worker is not { State: WorkerState.Idle } ready || _aloneLine.Count == 0 || ready.IsLeaving || !HasSlot(ready))
            {
                return;
            }

            if (!ready.TryReserve())
            {
                GiveSlotBack(ready);
                return;
            }

            worker = ready;
            jobs = _aloneLine.Take(worker);
            Given(worker, jobs);
        }

        foreach (var job in jobs)
        {
            job.Attempt.Timer?.Begin();
            job.Progress.Report(0, 0, GpuAloneLine.GrantedText);
        }

        _ = worker.GiveAsync(jobs);
    }

    // Under the lock: whether the slot is that for such jobs and there is none.
    private bool IsAloneForNothing(WorkerSlot slot) => slot == _alone && _aloneLine.Count == 0;

    private void SweepAlone()
    {
        lock (_gate)
        {
            // Not while its model is being loaded: then it has its device.
            while (_aloneLine.First is { } first && _alone?.Worker is not { State: WorkerState.Starting } && _context.Time.GetElapsedTime(first.QueuedAt) > AloneWait)
            {
                _aloneLine.Remove(first);
                first.End(AttemptResult.Cancelled.Instance);
            }

            if (_alone is not null && IsAloneForNothing(_alone))
            {
                WithdrawRequest(_alone);
            }
        }

        // Its job may have been cancelled while it was on its way.
        if (_alone?.Worker is { } worker)
        {
            StopIfLeaving(worker);
        }
    }

    private void EndAloneIfHopeless(WorkerObituary obituary)
    {
        if (!obituary.WasReady && !obituary.WasOrderly)
        {
            _aloneLine.EndAll(NoWorker());
        }
    }
}
