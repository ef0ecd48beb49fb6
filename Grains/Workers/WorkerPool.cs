using Gristmill.Grains.Gpu;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Processes;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Workers;

/// <summary>
/// Runs the jobs of one queue on <see cref="WorkerOptions.Count"/> child processes that speak docs/worker-protocol.md.
/// The way of a job: <see cref="RunAsync"/> puts it in <see cref="WorkerLine"/> → an idle worker gets the first in line,
/// alone or as a batch, or the one whose session it knows (<see cref="WorkerHomes{TWorker}"/>) → <see cref="WorkerProcess"/> sends
/// them and hears the answers → the worker is idle again.
/// A job whose batch has cost a worker, or memory, runs once more alone before that counts as its outcome: the others
/// must not pay for one. Beside this: how processes are started and watched in WorkerPool.Supervision.cs, which worker gets which job in WorkerPool.Choice.cs,
/// leases of devices in WorkerPool.Gpu.cs, room for claims in WorkerPool.Room.cs, and jobs that need a device to themselves in
/// WorkerPool.Alone.cs.
/// </summary>
/// <remarks>Locks: the pool's, then a worker's; a worker calls the pool with none held.</remarks>
internal sealed partial class WorkerPool : IJobRunner
{
    private readonly Lock _gate = new();
    private readonly WorkerPoolContext _context;
    private readonly WorkerSlot[] _slots;
    private readonly WorkerLine _line;
    private readonly ITimer _batchTimer;
    private readonly TaskCompletionSource _firstReady = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ITimer? _timer;
    private long _lastJobId;
    private bool _stopping;
    private string _lastFailure = "no worker has been started";

    /// <param name="name">The queue's name, for logs and messages.</param>
    /// <param name="options">Valid options.</param>
    /// <param name="maxResultBytes"><see cref="HandlerOptions.MaxResultBytes"/>.</param>
    /// <param name="loggers">Where the workers' own lines go too.</param>
    /// <param name="time">The clock of all deadlines.</param>
    /// <param name="random">Spreads restarts.</param>
    /// <param name="join">Takes a seat at the silo's devices, where the workers need one; called with what to do when something changes there.</param>
    /// <exception cref="RunnerStartException">The options are not valid.</exception>
    public WorkerPool(
        string name, WorkerOptions options, int maxResultBytes, ILoggerFactory loggers, TimeProvider time, Random random, Func<Action, GpuSeat>? join = null)
    {
        var errors = WorkerOptionsValidation.Validate(options, $"Queues:{name}:Worker");
        if (errors.Count > 0)
        {
            throw new RunnerStartException(string.Join(" ", errors));
        }

        _context = new WorkerPoolContext(
            name, options, maxResultBytes, loggers.CreateLogger("Gristmill.Workers"), time, new ProcessGuard(), new WorkerCounters());
        _line = new WorkerLine(options, time);
        _batchTimer = time.CreateTimer(static pool => ((WorkerPool)pool!).Dispatch(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _slots = [.. Enumerable.Range(0, options.Count).Select(index => new WorkerSlot(index, options, time, random))];
        _aloneLine = new WorkerLine(options, time);
        _seat = join?.Invoke(OnDevicesChanged);
        _alone = _seat is null ? null : new WorkerSlot(options.Count, options, time, random);
    }

    public WorkerCounters Counters => _context.Counters;

    internal ProcessGuard Guard => _context.Guard;

    /// <summary>The processes that run now, for status pages and tests.</summary>
    internal IReadOnlyList<int> ProcessIds
    {
        get
        {
            lock (_gate)
            {
                return [.. AllSlots.Where(slot => slot.Worker is not null).Select(slot => slot.Worker!.ProcessId)];
            }
        }
    }

    public string Describe() =>
        $"{_slots.Length} worker(s), {Count(WorkerState.Idle) + Count(WorkerState.Busy)} ready: {BoundedText.Head(string.Join(' ', _context.Options.Command), 200)}";

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new RunnerStartException("Worker processes need Linux: sessions, process groups and /proc.");
        }

        try
        {
            _context.Guard.EnsureRunning();
            Sweep();
            _timer = _context.Time.CreateTimer(
                static pool => ((WorkerPool)pool!).Sweep(), this, SweepInterval(_context.Options), SweepInterval(_context.Options));
            await _firstReady.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            await DisposeAsync().ConfigureAwait(false);
            throw new RunnerStartException($"Workers need the programs setsid (util-linux) and sh: {error.Message}", error);
        }
        catch
        {
            await DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask<AttemptResult> RunAsync(
        JobAttempt attempt, IProgressSink progress, CancellationToken cancellationToken)
    {
        var needsDevice = NeedsDevice(attempt);
        for (var alone = needsDevice; ; alone = true)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                return AttemptResult.Cancelled.Instance;
            }

            var job = new WorkerJob(Interlocked.Increment(ref _lastJobId), attempt, progress, alone, _context.Time.GetTimestamp()) { NeedsDevice = needsDevice };
            lock (_gate)
            {
                if (_stopping)
                {
                    return NoWorker();
                }

                if (IsStranded(job))
                {
                    return AttemptResult.Cancelled.Instance;
                }

                LineOf(job).Add(job);
            }

            if (needsDevice)
            {
                AwaitDevice(job);
            }

            Dispatch();
            AttemptResult outcome;
            await using (cancellationToken.UnsafeRegister(static state => ((GivingUp)state!).Apply(), new GivingUp(this, job)).ConfigureAwait(false))
            {
                outcome = await job.Outcome.ConfigureAwait(false);
            }

            LeftWorker(job);
            outcome = Judge(job, outcome);
            if (!job.InBatch || !CostsTheBatch(outcome))
            {
                return outcome;
            }
        }
    }

    /// <summary>Stops the workers: <c>stop</c>, then SIGTERM, then SIGKILL, each after its grace.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] running;
        lock (_gate)
        {
            _stopping = true;
            _lastFailure = "the workers are being stopped";
            _line.EndAll(NoWorker());
            _aloneLine.EndAll(NoWorker());
            running = [.. AllSlots.Select(slot => slot.Running)];
            foreach (var slot in AllSlots)
            {
                WithdrawRequest(slot);
                slot.Worker?.Stop(WorkerEnd.Stopped);
            }
        }

        await Task.WhenAll(running).ConfigureAwait(false);
        _seat?.Leave();
        if (_timer is not null)
        {
            await _timer.DisposeAsync().ConfigureAwait(false);
        }

        await _batchTimer.DisposeAsync().ConfigureAwait(false);
        _context.Guard.Dispose();
    }

    // Gives idle workers what is in line, as far as it is time for it.
    private void Dispatch()
    {
        DispatchAlone();
        while (true)
        {
            WorkerProcess? worker;
            IReadOnlyList<WorkerJob> jobs;
            lock (_gate)
            {
                List<WorkerProcess> idle = [.. _slots.Select(slot => slot.Worker).OfType<WorkerProcess>().Where(MayBegin)];
                if (idle.Count == 0 || !_line.IsDue(idle[0].BatchSize, out var wait))
                {
                    return;
                }

                if (wait > TimeSpan.Zero)
                {
                    _batchTimer.Change(wait, Timeout.InfiniteTimeSpan);
                    return;
                }

                (worker, var first) = Choose(idle);
                if (worker is null)
                {
                    return;
                }

                if (!worker.TryReserve())
                {
                    GiveSlotBack(worker);
                    continue;
                }

                _line.PutFirst(first!);
                jobs = _line.Take(worker);
                Given(worker, jobs);
            }

            _ = worker.GiveAsync(jobs);
        }
    }

    // The caller does not want the job any more: it leaves the line, or its worker is told.
    private void GiveUp(WorkerJob job)
    {
        WorkerProcess? worker;
        lock (_gate)
        {
            job.IsUnwanted = true;
            worker = job.Worker;
            if (!LineOf(job).Remove(job) && worker is null)
            {
                return;
            }
        }

        if (worker is null)
        {
            job.End(AttemptResult.Cancelled.Instance);
        }
        else
        {
            worker.RequestCancel(job);
        }
    }

    private AttemptResult NoWorker() => AttemptResult.Failure(
        AttemptErrorKind.WorkerLost, nameof(AttemptErrorKind.WorkerLost), $"No worker could be had: {_lastFailure}");

    private static bool CostsTheBatch(AttemptResult outcome) =>
        outcome is AttemptResult.Failed { Error.Kind: AttemptErrorKind.WorkerLost or AttemptErrorKind.OutOfMemory };

    private int Count(WorkerState state)
    {
        lock (_gate)
        {
            return _slots.Count(slot => slot.Worker?.State == state);
        }
    }

    /// <summary>State for the token's callback, so that it closes over nothing.</summary>
    private sealed record GivingUp(WorkerPool Pool, WorkerJob Job)
    {
        public void Apply() => Pool.GiveUp(Job);
    }

    private sealed class Owner(WorkerPool pool) : IWorkerOwner
    {
        public void OnGpuMemory(WorkerProcess worker, long usedMiB) => pool.OnGpuMemory(worker, usedMiB);

        public void OnReady(WorkerProcess worker)
        {
            pool.OnDeviceLoaded(worker);
            pool._firstReady.TrySetResult();
            pool.Dispatch();
            pool.RoomChanged?.Invoke();
        }

        public void OnIdle(WorkerProcess worker, int jobs, TimeSpan took)
        {
            lock (pool._gate)
            {
                pool._line.Served(jobs, took);
                pool._homes.Rests(worker, pool._context.Time.GetTimestamp());
            }

            pool.GiveSlotBack(worker);
            pool.StopIfLeaving(worker);
            pool.Dispatch();
        }
    }
}
