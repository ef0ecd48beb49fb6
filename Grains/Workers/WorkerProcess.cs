using System.Buffers;
using System.Text.Json;
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
/// One worker process from its start to its end: what its messages mean, the job it runs, and when patience with it
/// ends. Its slot starts it; the pool's sweep calls <see cref="Sweep"/>, which holds all its deadlines; its job ends
/// by an answer or by the process's end, exactly once.
/// </summary>
internal sealed partial class WorkerProcess
{
    /// <summary>A worker whose stdout ended has this long to exit, so that its exit status can be told.</summary>
    private static readonly TimeSpan ExitAfterStdout = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan MemoryCheckInterval = TimeSpan.FromSeconds(0.5);

    private readonly Lock _gate = new();
    private readonly WorkerPoolContext _pool;
    private readonly IWorkerOwner _owner;
    private readonly WorkerChannel _channel;
    private readonly Utf8JsonWriter _json = new(Stream.Null);
    private readonly LogBudget _logBudget;
    private readonly string _label;
    private readonly long _startedAt;

    private WorkerState _state = WorkerState.Starting;
    private WorkerJob? _job;
    private WorkerEnd _end;
    private int _jobsDone;
    private int _garbageInARow;
    private bool _promisedHeartbeat;
    private long _heardAt;
    private long _memoryCheckedAt;
    private long _residentBytes;
    private Escalation _escalation;

    public WorkerProcess(WorkerPoolContext pool, IWorkerOwner owner, string label)
    {
        _pool = pool;
        _owner = owner;
        _label = label;
        _channel = new WorkerChannel(pool.Options, pool.Guard, pool.Time);
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

        Log.Started(_pool.Logger, _label, ProcessId);
        await SendAsync(static (line, self) =>
        {
            line.Write(GuardedStart.Go);
            WorkerRequests.WriteHello(line, self._label, self.Options, self._pool.MaxResultBytes);
        }, this).ConfigureAwait(false);
        var exitCode = await _channel.Exited.ConfigureAwait(false);
        return Bury(exitCode);
    }

    /// <summary>Takes the worker for a job; false if it is not idle.</summary>
    public bool TryReserve()
    {
        lock (_gate)
        {
            if (_state != WorkerState.Idle)
            {
                return false;
            }

            _state = WorkerState.Busy;
            return true;
        }
    }

    /// <summary>Runs a job on a reserved worker, to its answer or the worker's end.</summary>
    public async Task<AttemptResult> RunJobAsync(
        long id, JobAttempt attempt, IProgressSink progress, CancellationToken cancellationToken)
    {
        var job = new WorkerJob(id, attempt, progress);
        lock (_gate)
        {
            if (_state != WorkerState.Busy)
            {
                return AttemptResult.Failure(
                    AttemptErrorKind.WorkerLost, nameof(AttemptErrorKind.WorkerLost), "The worker ended before it got the job.");
            }

            _job = job;
        }

        await using var registration = cancellationToken.UnsafeRegister(
            static state => ((CancelRequest)state!).Apply(), new CancelRequest(this, job)).ConfigureAwait(false);
        try
        {
            await SendAsync(
                static (line, state) => WorkerRequests.WriteJob(line, state.Json, state.Job.Id, state.Job.Attempt),
                (Json: _json, Job: job)).ConfigureAwait(false);
        }
        catch (LineTooLongException)
        {
            EndJob(id, AttemptResult.Failure(
                AttemptErrorKind.Fatal, "PayloadTooLarge",
                $"The job's line to the worker is longer than MaxLineBytes ({Options.MaxLineBytes})."));
        }

        return await job.Outcome.ConfigureAwait(false);
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

            _state = WorkerState.Ending;
            _end = end;
            _escalation = Escalation.Asked(_pool.Time.GetTimestamp(), Options.CancelGrace, end);
        }

        SendInBackground(static (line, _) => WorkerRequests.WriteStop(line));
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

    private void RequestCancel(WorkerJob job)
    {
        lock (_gate)
        {
            if (_job != job)
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

    /// <summary>The worker answered: it is free (or done for) before its job's waiter hears of it.</summary>
    private void EndJob(long id, AttemptResult outcome)
    {
        WorkerJob? job;
        var recycle = false;
        lock (_gate)
        {
            job = _job;
            if (job is null || job.Id != id)
            {
                _pool.Counters.Ignored();
                return;
            }

            _job = null;
            _jobsDone++;
            if (_state == WorkerState.Busy)
            {
                _escalation = default;
                _state = WorkerState.Idle;
                recycle = Options.MaxJobs > 0 && _jobsDone >= Options.MaxJobs;
            }
        }

        if (recycle)
        {
            Log.Recycled(_pool.Logger, _label, _jobsDone);
            Stop(WorkerEnd.Recycled);
        }
        else
        {
            _owner.OnIdle(this);
        }

        job.End(outcome);
    }

    private WorkerObituary Bury(int exitCode)
    {
        WorkerJob? job;
        WorkerEnd end;
        lock (_gate)
        {
            job = _job;
            end = _end;
            _job = null;
            _state = WorkerState.Exited;
        }

        var stderr = _channel.Tail.Text();
        var why = WorkerExit.Explain(end, exitCode, Options);
        job?.End(WorkerExit.OutcomeOfJob(end, exitCode, job.CancelRequested, _residentBytes, Options, stderr));
        _channel.Dispose();
        var orderly = WorkerExit.IsOrderly(end, _jobsDone);
        if (orderly)
        {
            Log.Ended(_pool.Logger, _label, ProcessId, why);
        }
        else
        {
            Log.Lost(_pool.Logger, _label, ProcessId, why, stderr is null ? "It wrote nothing to stderr." : $"The end of its stderr:\n{stderr}");
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

    /// <summary>State for the token's callback, so that it closes over nothing.</summary>
    private sealed record CancelRequest(WorkerProcess Worker, WorkerJob Job)
    {
        public void Apply() => Worker.RequestCancel(Job);
    }
}
