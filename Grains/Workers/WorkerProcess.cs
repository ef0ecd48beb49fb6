using System.Buffers;
using System.Text.Json;
using Gristmill.Grains.Gpu;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Processes;

namespace Gristmill.Grains.Workers;

/// <summary>Where a worker process stands; it only moves forward, but for Idle and Busy.</summary>
internal enum WorkerState
{
    Starting,
    Idle,
    Busy,

    /// <summary>Told to stop, or being ended: gets no more jobs.</summary>
    Ending,
    Exited,
}

/// <summary>
/// One worker process from its start to its end: what its messages mean, the jobs it has (one, or a batch), and when
/// patience with it ends. Its slot starts it; the pool's sweep calls <see cref="Sweep"/>, which holds all its deadlines;
/// each job ends by an answer or by the process's end, exactly once.
/// </summary>
internal sealed partial class WorkerProcess
{
    /// <summary>A worker whose stdout ended has this long to exit, so that its exit status can be told.</summary>
    private static readonly TimeSpan ExitAfterStdout = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan MemoryCheckInterval = TimeSpan.FromSeconds(0.5);

    private readonly Lock _gate = new();
    private readonly Dictionary<long, WorkerJob> _jobs = [];
    private readonly WorkerPoolContext _pool;
    private readonly IWorkerOwner _owner;
    private readonly WorkerChannel _channel;
    private readonly Utf8JsonWriter _json = new(Stream.Null);
    private readonly LogBudget _logBudget;
    private readonly string _label;

    private WorkerState _state = WorkerState.Starting;
    private WorkerEnd _end;
    private int _jobsDone;
    private int _given;
    private long _givenAt;
    private long _movedAt;
    private int _garbageInARow;
    private bool _promisedHeartbeat;
    private bool _watchesSilo;
    private long _startedAt;
    private long _heardAt;
    private long _beatAt;
    private long _memoryCheckedAt;
    private long _residentBytes;
    private Escalation _escalation;

    /// <param name="pool">What the pool's workers share.</param>
    /// <param name="owner">Who hears of it.</param>
    /// <param name="label">Its name in logs.</param>
    /// <param name="lease">The device that it was granted, where its queue needs one.</param>
    public WorkerProcess(WorkerPoolContext pool, IWorkerOwner owner, string label, GpuLease? lease = null)
    {
        Lease = lease;
        _pool = pool;
        _owner = owner;
        _label = label;
        _channel = new WorkerChannel(pool.Options, pool.Guard, pool.Time, lease is null ? [] : GpuSeat.Environment(lease));
        _logBudget = new LogBudget(pool.Time);
        _startedAt = _heardAt = _memoryCheckedAt = pool.Time.GetTimestamp();
    }

    public WorkerState State
    {
        get
        {
            lock (_gate)
            {
                return _state;
            }
        }
    }

    public int ProcessId => _channel.ProcessId;

    public bool WasReady { get; private set; }

    /// <summary>The device that it was granted; null where its queue needs none.</summary>
    public GpuLease? Lease { get; }

    /// <summary>Whether it gets no more jobs, since its device is wanted.</summary>
    /// <summary>Jobs that the pool has given to it and that have not ended; under the pool's lock.</summary>
    public int JobsOn { get; set; }

    public bool IsLeaving => Lease is { Leaving: true };

    /// <summary>Whether it has a slot of its device for jobs that are being claimed. Under the pool's lock.</summary>
    public bool IsHeld { get; set; }

    /// <summary>How many jobs it takes at once; known once it is ready.</summary>
    public int BatchSize { get; private set; } = 1;

    private WorkerOptions Options => _pool.Options;

    /// <summary>Starts the process and follows it; returns when it is dead.</summary>
    public async Task<WorkerObituary> RunAsync()
    {
        if (State != WorkerState.Starting)
        {
            return new WorkerObituary(WasOrderly: true, WasReady: false, "It was stopped before it was started.");
        }

        try
        {
            _channel.Start(Options.MaxLineBytes, OnLine, OnStdoutEnd, OnStderrLine, OnReaderFault);
        }
        catch (Exception error) when (error is System.ComponentModel.Win32Exception or IOException)
        {
            lock (_gate)
            {
                _state = WorkerState.Exited;
            }

            return new WorkerObituary(false, WasReady: false, $"It cannot be started: {error.Message}");
        }

        if (Lease is { } lease)
        {
            lease.ProcessId = ProcessId;
        }

        Log.Started(_pool.Logger, _label, ProcessId);
        await SendAsync(static (line, self) =>
        {
            line.Write(GuardedStart.Go);
            WorkerRequests.WriteHello(line, self._label, self.Options, self._pool.MaxResultBytes);
        }, this).ConfigureAwait(false);
        var exitCode = await _channel.Exited.ConfigureAwait(false);
        return Bury(exitCode);
    }

    /// <summary>Takes the worker for a batch of jobs; false if it is not idle.</summary>
    public bool TryReserve()
    {
        lock (_gate)
        {
            if (_state != WorkerState.Idle)
            {
                return false;
            }

            _state = WorkerState.Busy;
            _givenAt = _movedAt = _pool.Time.GetTimestamp();
            return true;
        }
    }

    /// <summary>Gives jobs to a reserved worker; each ends with its answer or with the worker.</summary>
    public async Task GiveAsync(IReadOnlyList<WorkerJob> jobs)
    {
        bool gone;
        lock (_gate)
        {
            gone = _state != WorkerState.Busy;
            _given = jobs.Count;
            foreach (var job in jobs)
            {
                if (!gone)
                {
                    _jobs.Add(job.Id, job);
                }
            }
        }

        if (gone)
        {
            foreach (var job in jobs)
            {
                job.End(AttemptResult.Failure(
                    AttemptErrorKind.WorkerLost, nameof(AttemptErrorKind.WorkerLost), "The worker ended before it got the job."));
            }

            return;
        }

        try
        {
            await SendAsync(
                static (line, state) => WorkerRequests.WriteJobs(line, state.Json, state.Jobs), (Json: _json, Jobs: jobs)).ConfigureAwait(false);
        }
        catch (LineTooLongException)
        {
            // Of a batch each is tried alone; of one alone it is final.
            var kind = jobs.Count > 1 ? AttemptErrorKind.WorkerLost : AttemptErrorKind.Fatal;
            foreach (var job in jobs)
            {
                EndJob(job.Id, AttemptResult.Failure(
                    kind, "PayloadTooLarge", $"The job's line to the worker is longer than MaxLineBytes ({Options.MaxLineBytes})."));
            }

            return;
        }

        foreach (var job in jobs)
        {
            lock (_gate)
            {
                job.WasSent = true;
            }

            if (job.IsUnwanted)
            {
                RequestCancel(job);
            }
        }
    }

    /// <summary>Asks the worker to give a job up; one that it has not got yet is cancelled once it has.</summary>
    public void RequestCancel(WorkerJob job)
    {
        lock (_gate)
        {
            if (!_jobs.ContainsKey(job.Id) || !job.WasSent || job.CancelRequested)
            {
                return;
            }

            job.CancelRequested = true;
            if (!_escalation.IsPending)
            {
                _escalation = Escalation.Asked(_pool.Time.GetTimestamp(), Options.CancelGrace, WorkerEnd.Cancelled);
            }
        }

        SendInBackground((line, _) => WorkerRequests.WriteCancel(line, job.Id));
    }

    /// <summary>Asks the worker to end: after its job if it has one, in no more than the graces.</summary>
    public void Stop(WorkerEnd end)
    {
        lock (_gate)
        {
            if (_state is WorkerState.Ending or WorkerState.Exited)
            {
                return;
            }

            EndBy(end);
        }

        SendInBackground(static (line, _) => WorkerRequests.WriteStop(line));
    }

    // Under the lock.
    private void EndBy(WorkerEnd end)
    {
        _state = WorkerState.Ending;
        _end = end;
        _escalation = Escalation.Asked(_pool.Time.GetTimestamp(), Options.CancelGrace, end);
    }

    /// <summary>Ends the process group now.</summary>
    public void Kill(WorkerEnd end)
    {
        lock (_gate)
        {
            if (_state == WorkerState.Exited)
            {
                return;
            }

            _state = WorkerState.Ending;
            _end = _end == WorkerEnd.None ? end : _end;
            _escalation = default;
        }

        _channel.Signal(ProcessGroup.SigKill);
    }

    /// <summary>The worker answered: if that was its last job it is free (or done for) before the job's waiter hears of it.</summary>
    private void EndJob(long id, AttemptResult outcome)
    {
        WorkerJob? job;
        var (idle, recycle, given, took) = (false, false, 0, TimeSpan.Zero);
        lock (_gate)
        {
            if (!_jobs.Remove(id, out job))
            {
                _pool.Counters.Ignored();
                return;
            }

            _jobsDone++;
            _movedAt = _pool.Time.GetTimestamp();
            if (_state == WorkerState.Busy && !_jobs.Values.Any(j => j.CancelRequested))
            {
                _escalation = default;
            }

            if (_state == WorkerState.Busy && _jobs.Count == 0)
            {
                _state = WorkerState.Idle;
                (idle, given, took) = (true, _given, _pool.Time.GetElapsedTime(_givenAt, _movedAt));
                recycle = Options.MaxJobs > 0 && _jobsDone >= Options.MaxJobs;
                if (recycle)
                {
                    // Under the same lock: nobody may give it another job in between.
                    EndBy(WorkerEnd.Recycled);
                }
            }
        }

        if (recycle)
        {
            Log.Recycled(_pool.Logger, _label, _jobsDone);
            SendInBackground(static (line, _) => WorkerRequests.WriteStop(line));
        }
        else if (idle)
        {
            _owner.OnIdle(this, given, took);
        }

        job.End(outcome);
    }

    private WorkerObituary Bury(int exitCode)
    {
        WorkerJob[] jobs;
        WorkerEnd end;
        lock (_gate)
        {
            jobs = [.. _jobs.Values];
            end = _end;
            _jobs.Clear();
            _state = WorkerState.Exited;
        }

        var stderr = _channel.Tail.Text();
        var why = WorkerExit.Explain(end, exitCode, Options);
        foreach (var job in jobs)
        {
            job.End(WorkerExit.OutcomeOfJob(end, exitCode, job.CancelRequested, _residentBytes, Options, stderr));
        }

        if (_channel.Strays > 0)
        {
            Log.Strays(_pool.Logger, _label, ProcessId, _channel.Strays);
        }

        _channel.Dispose();
        var orderly = WorkerExit.IsOrderly(end, _jobsDone);
        if (orderly)
        {
            Log.Ended(_pool.Logger, _label, ProcessId, why);
        }
        else
        {
            Log.Lost(_pool.Logger, _label, ProcessId, why, stderr is null ? "It wrote nothing to stderr." : $"The end of its stderr:\n  {PlainText.Of(stderr).ReplaceLineEndings("\n  ")}");
        }

        return new WorkerObituary(
            orderly, WasReady, stderr is null ? why : $"{why} The end of its stderr:\n{stderr}", _jobsDone);
    }

    private async ValueTask SendAsync<TState>(Action<ArrayBufferWriter<byte>, TState> write, TState state)
    {
        if (!await _channel.SendAsync(write, state, Options.MaxLineBytes).ConfigureAwait(false) &&
            State is WorkerState.Idle or WorkerState.Busy or WorkerState.Starting)
        {
            OnPipeClosed(WorkerEnd.StdinClosed);
        }
    }

    /// <summary>For messages that must not hold up the caller; a worker that does not read them is ended by the sweep.</summary>
    private void SendInBackground(Action<ArrayBufferWriter<byte>, object?> write) =>
        _ = SendAsync(write, null).AsTask();
}
