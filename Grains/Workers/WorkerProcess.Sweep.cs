using Gristmill.Grains.Processes;

namespace Gristmill.Grains.Workers;

/// <summary>All deadlines of a worker, looked at by the pool's one timer.</summary>
internal sealed partial class WorkerProcess
{
    public void Sweep(long now)
    {
        var suppressed = _logBudget.Refill(now);
        if (suppressed > 0)
        {
            Log.Suppressed(_pool.Logger, _label, suppressed);
        }

        Escalate(now);
        Beat(now);
        switch (State)
        {
            case WorkerState.Starting when Elapsed(_startedAt, now) > Options.StartupTimeout:
                Kill(WorkerEnd.StartupTimeout);
                break;
            case WorkerState.Idle or WorkerState.Busy when IsSilent(now):
                Kill(WorkerEnd.HeartbeatLost);
                break;
            case WorkerState.Busy when IsStalled(now):
                Kill(WorkerEnd.Stalled);
                break;
            case WorkerState.Idle or WorkerState.Busy:
                CheckMemory(now);
                CheckGpuMemory();
                break;
            default:
                break;
        }
    }

    /// <summary>The silo stood still for so long and could hear nobody: time that counts against no worker.</summary>
    /// <param name="time">How long, in ticks of the pool's clock.</param>
    public void Forgive(long time)
    {
        // Whoever was heard meanwhile needs no pardon.
        var heardAt = Volatile.Read(ref _heardAt);
        Interlocked.CompareExchange(ref _heardAt, heardAt + time, heardAt);
        lock (_gate)
        {
            _startedAt += time;
            _movedAt += time;
            _escalation = _escalation with { Since = _escalation.Since + time };
        }
    }

    // A worker that does not read has its pipe full in time: nothing is put behind what it has not taken yet.
    private void Beat(long now)
    {
        if (_watchesSilo && Elapsed(_beatAt, now) >= Options.HeartbeatInterval && !_channel.IsSending)
        {
            _beatAt = now;
            SendInBackground(static (line, _) => WorkerRequests.WriteHeartbeat(line));
        }
    }

    private bool IsSilent(long now) =>
        _promisedHeartbeat && Elapsed(Volatile.Read(ref _heardAt), now) > Options.HeartbeatTimeout;

    private bool IsStalled(long now)
    {
        lock (_gate)
        {
            return Options.StallSeconds > 0 && _state == WorkerState.Busy && Elapsed(_movedAt, now) > Options.Stall;
        }
    }

    /// <summary>Message → SIGTERM → SIGKILL, each after its grace.</summary>
    private void Escalate(long now)
    {
        int signal;
        lock (_gate)
        {
            if (!_escalation.IsPending || Elapsed(_escalation.Since, now) < _escalation.Grace || _state == WorkerState.Exited)
            {
                return;
            }

            _state = WorkerState.Ending;
            _end = _end == WorkerEnd.None ? _escalation.End : _end;
            signal = _escalation.WasTerminated ? ProcessGroup.SigKill : ProcessGroup.SigTerm;
            _escalation = _escalation.WasTerminated
                ? default
                : Escalation.Terminated(now, Options.TermGrace, _escalation.End);
        }

        Log.Signalled(_pool.Logger, _label, ProcessId, signal, _end);
        _channel.Signal(signal);
    }

    private void CheckMemory(long now)
    {
        if (Options.MemoryLimitBytes == 0 || Elapsed(_memoryCheckedAt, now) < MemoryCheckInterval)
        {
            return;
        }

        _memoryCheckedAt = now;
        _residentBytes = ProcessGroup.ResidentBytes(ProcessId);
        if (_residentBytes <= Options.MemoryLimitBytes)
        {
            return;
        }

        Log.MemoryLimit(_pool.Logger, _label, _residentBytes, Options.MemoryLimitBytes);
        if (TryReserve())
        {
            Stop(WorkerEnd.Recycled);
        }
        else
        {
            Kill(WorkerEnd.MemoryLimit);
        }
    }

    // What it took of its device stays taken until it ends; a job that runs is left to it.
    private void CheckGpuMemory()
    {
        if (Options.GpuMemoryLimitMiB == 0 || Lease is not { } lease || lease.ObservedMiB <= Options.GpuMemoryLimitMiB || !TryReserve())
        {
            return;
        }

        Log.GpuMemoryLimit(_pool.Logger, _label, lease.ObservedMiB, Options.GpuMemoryLimitMiB);
        Stop(WorkerEnd.Recycled);
    }

    private TimeSpan Elapsed(long since, long now) => _pool.Time.GetElapsedTime(since, now);

    /// <summary>The step that was taken towards the worker's end, and how long it has before the next one.</summary>
    private readonly record struct Escalation(bool IsPending, bool WasTerminated, long Since, TimeSpan Grace, WorkerEnd End)
    {
        public static Escalation Asked(long now, TimeSpan grace, WorkerEnd end) => new(true, false, now, grace, end);

        public static Escalation Terminated(long now, TimeSpan grace, WorkerEnd end) => new(true, true, now, grace, end);
    }
}
