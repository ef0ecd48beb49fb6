using System.Collections.Concurrent;
using System.Globalization;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>
/// The way of a queue's jobs through one silo. The parts, in the order in which a job meets them:
/// <see cref="ListWaiter"/> sees that a list has items → <see cref="Claimer"/> takes a batch, no larger than the silo has
/// room for → <see cref="Intake"/> reads the payloads and launches <see cref="JobRun"/>s → the handler runs on the thread
/// pool → <see cref="Recorder"/> tells the store the outcomes in batches. Beside them, <see cref="LeaseKeeper"/> keeps the
/// right to do all this, and the sweep ends attempts that are over their limit and passes progress on.
/// </summary>
/// <remarks>
/// Made and run by <see cref="BridgeGrain"/>: all but what says otherwise happens in the grain's turns, so nothing here
/// locks. It ends with the grain's activation.
/// </remarks>
internal sealed class Bridge : IRunOwner, IAsyncDisposable
{
    // A job that runs for longer can be asked for by its id.
    private static readonly TimeSpan AttachAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PollPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ProgressPeriod = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan HousePeriod = TimeSpan.FromSeconds(10);
    private const int MaxProgressBatch = 200;

    // How long handlers that were told to end may take before their jobs are given back behind their backs.
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(5);

    private readonly QueueRuntime _queue;
    private readonly BridgeServices _services;
    private readonly ILogger _log;
    private readonly HeldJobs _held;
    private readonly StoreClock _storeClock;
    private readonly LeaseKeeper _lease;
    private readonly Intake _intake;
    private readonly Recorder _recorder;
    private readonly Claimer _claimer;
    private readonly List<ListSource> _lists = [];
    private readonly ConcurrentQueue<JobRun> _progressed = new();
    private readonly CancellationTokenSource _taking = new();
    private readonly CancellationTokenSource _all = new();
    private readonly List<Task> _loops = [];
    private long _polledAt;
    private long _progressAt;
    private long _trimmedAt;
    private bool _trimming;
    private bool _sendingProgress;
    private bool _leaving;
    private long _stopBegan;
    private TimeSpan? _stopLimit;

    public Bridge(QueueRuntime queue, BridgeServices services, ILogger log)
    {
        _queue = queue;
        _services = services;
        _log = log;
        _held = new HeldJobs(queue) { Detached = Detach };
        _storeClock = new StoreClock(services.Clock);
        _lease = new LeaseKeeper(queue, services.Silo, services.Options, _held, services.Clock, log);
        _recorder = new Recorder(queue, services.Silo, _held, _storeClock, services.Clock, services.Random, log)
        {
            OutboxFilled = () => services.SendOutbox(queue.Name),
            Recorded = OnRecorded,
        };
        _intake = new Intake(queue, _held, _storeClock, this, _recorder.Add, services.Clock, log);
        foreach (var list in queue.Lists)
        {
            var waiter = new ListWaiter(services.Redis, list.Name, queue.Options.PopFrom == PopEnd.Right, () => OnListFilled(list.Name), services.Clock, log);
            _lists.Add(new ListSource(list.Name, list.Priority, waiter));
        }

        _claimer = new Claimer(queue, _lease, _held, _intake, _storeClock, _lists, services.Clock, services.Random, log);
    }

    /// <summary>Whether it has stopped: nothing is held and the lease is given up.</summary>
    public bool Stopped { get; private set; }

    public BridgeStatus Status => new(_queue.Name, _held.Executing, _held.Count, Stopped, _queue.Broken ?? _lease.Trouble ?? _recorder.Trouble ?? _intake.Trouble ?? _claimer.Trouble);

    string IRunOwner.Queue => _queue.Name;

    TimeProvider IRunOwner.Clock => _services.Clock;

    IJobRunner IRunOwner.Runner => _queue.Runner;

    int IRunOwner.MaxAttempts(JobHeader header) => _queue.Policy.AttemptsOf(header);

    /// <summary>Starts the loops. Called once, in a turn of the grain.</summary>
    public void Start()
    {
        _loops.Add(_claimer.RunAsync(_taking.Token, _all.Token));
        _loops.Add(_recorder.RunAsync(_all.Token));
        _loops.Add(ListenAsync(_all.Token));
        foreach (var list in _lists) _loops.Add(list.Waiter.RunAsync(_taking.Token));
    }

    /// <summary>Whether a loop has ended that should run: the grain makes a new bridge then.</summary>
    public Exception? Failure => _loops.FirstOrDefault(l => l.IsFaulted)?.Exception?.InnerException;

    /// <summary>Begins to stop. Asked again, the sooner end counts: a silo that drains without a limit may be told to stop.</summary>
    public void BeginStop(TimeSpan limit)
    {
        if (_stopLimit is { } known)
        {
            var sooner = _services.Clock.GetElapsedTime(_stopBegan) + limit;
            if (sooner < known) _stopLimit = sooner;
            return;
        }

        _stopLimit = limit;
        _stopBegan = _services.Clock.GetTimestamp();
        _taking.Cancel();
        _log.Stopping(_queue.Name, _held.Count, limit < BridgeHost.DrainLimit ? string.Create(CultureInfo.InvariantCulture, $"{limit.TotalSeconds} s") : "as long as they need");
    }

    /// <summary>Renews the lease and keeps house. Called by a timer of the grain.</summary>
    public async Task RenewAsync(CancellationToken cancellationToken)
    {
        if (Stopped) return;
        var wasHeld = _lease.IsHeld;
        await _lease.TickAsync(cancellationToken);
        if (!wasHeld && _lease.IsHeld) _claimer.WakeAll();
        try
        {
            await GiveBackStraysAsync(cancellationToken);
        }
        catch (Exception error) when (error is RedisException or WrongTypeException)
        {
            // The store says at the next tick again that this silo holds them.
            _log.RenewFailed(_queue.Name, error.Message);
        }
    }

    /// <summary>Looks at deadlines, progress and what is due. Called by a timer of the grain, often.</summary>
    public void Sweep()
    {
        if (Stopped) return;
        var now = _services.Clock.GetTimestamp();
        _lease.CheckDeadline();
        foreach (var run in _held.All)
        {
            if (run.CalledAt == 0 || run.Result is not null) continue;
            if (now >= run.Deadline && run.Cause == EndCause.None)
            {
                _log.TimedOut(_queue.Name, run.Id, run.Attempt);
                run.End(EndCause.Timeout);
            }

            if (!run.Attached && _services.Clock.GetElapsedTime(run.CalledAt, now) > AttachAfter) Attach(run);
        }

        if (_services.Clock.GetElapsedTime(_polledAt, now) >= PollPeriod)
        {
            _polledAt = now;
            _claimer.WakeAll();
        }
        else if (_claimer.NextDue is { } due && due <= _storeClock.Now)
        {
            _claimer.WakeReady();
        }
        else
        {
            _claimer.WakeRested();
        }

        if (_services.Clock.GetElapsedTime(_progressAt, now) >= ProgressPeriod) _ = SendProgressAsync(now);
        if (_stopLimit is not { } limit) return;
        if (_services.Clock.GetElapsedTime(_stopBegan, now) >= limit) EndAll(now);
        _ = StopWhenIdleAsync(_services.Clock.GetElapsedTime(_stopBegan, now) - limit);
    }

    /// <summary>From any thread.</summary>
    public void Progressed(JobRun run) => _progressed.Enqueue(run);

    /// <summary>From any thread: the handler has returned; its slot is free.</summary>
    public void Ended(JobRun run)
    {
        _held.Returned();
        _recorder.Add(run);
        _claimer.Wake();
    }

    public async ValueTask DisposeAsync()
    {
        await _taking.CancelAsync();
        await _all.CancelAsync();
        foreach (var run in _held.All)
        {
            run.End(EndCause.LeaseLost);
            if (run.Attached) Detach(run);
        }

        foreach (var loop in _loops)
        {
            try
            {
                await loop;
            }
            catch (Exception error)
            {
                _log.LoopFailed(_queue.Name, error);
            }
        }

        _taking.Dispose();
        _all.Dispose();
    }

    private string Key(JobRun run) => $"{_queue.Name}/{run.Id}";

    // From any thread.
    private void OnListFilled(string name)
    {
        foreach (var list in _lists.Where(l => l.Name == name)) list.Hint = true;
        _claimer.Wake();
    }

    private void OnRecorded(RecordedBatch batch)
    {
        _services.Count(batch.Completed, batch.Dead);
        if (batch.NextDue is { } due) _claimer.Due(due);
        if (_queue.Options.ClusterConcurrency > 0) _claimer.WakeAll();
        else _claimer.Wake();
        var most = _queue.Options.KeepFinished;
        if (_recorder.Kept > most + Math.Max(1000, most / 20)) _ = TrimAsync();
    }

    private void Attach(JobRun run)
    {
        run.Attached = true;
        _services.Jobs.Add(Key(run), run);
        _services.Attach(Key(run));
    }

    // The grain looks, finds that the job does not run here any more, and makes room for one on the silo that is next.
    private void Detach(JobRun run)
    {
        _services.Jobs.Remove(Key(run), run);
        _services.Attach(Key(run));
    }

    // What silos must hear at once: that there is work, that a job is to be cancelled, that the queue is paused. All of it
    // stands in the store too, so a message that is lost is only late.
    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await using var subscription = await _services.Redis.SubscribeAsync(_queue.Store.Keys.Control, cancellationToken);
                await foreach (var message in subscription.ReadAllAsync(cancellationToken)) Hear(message);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (RedisException error)
            {
                _log.ListenFailed(_queue.Name, error.Message);
                await Task.Delay(PollPeriod, _services.Clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            }
        }
    }

    private void Hear(RedisMessage message)
    {
        if (message.Kind == RedisMessageKind.Gap)
        {
            _claimer.WakeAll();
            return;
        }

        var text = message.Text;
        if (text == "wake")
        {
            _claimer.WakeReady();
        }
        else if (text.StartsWith("cancel ", StringComparison.Ordinal))
        {
            foreach (var word in text.Split(' ').Skip(1))
            {
                if (long.TryParse(word, CultureInfo.InvariantCulture, out var seq)) _held.Find(seq)?.End(EndCause.Requested);
            }
        }
        else if (text.StartsWith("state ", StringComparison.Ordinal))
        {
            _lease.Mode = text[6..] switch { "paused" => QueueMode.Paused, "draining" => QueueMode.Draining, _ => QueueMode.Open };
            _log.ModeChanged(_queue.Name, _lease.Mode.ToString());
            _claimer.WakeAll();
        }
    }

    private async Task SendProgressAsync(long now)
    {
        if (_sendingProgress) return;
        _sendingProgress = true;
        _progressAt = now;
        try
        {
            foreach (var group in TakeProgress().GroupBy(p => p.Run.Generation))
            {
                await _queue.Store.ProgressAsync(group.Key, [.. group.Select(p => (p.Run.Seq, p.Run.Counter, p.Progress))], _all.Token);
            }
        }
        catch (Exception error) when (error is RedisException or WrongTypeException or OperationCanceledException)
        {
            // Progress is for people; the next report says more.
            _log.ProgressFailed(_queue.Name, error.Message);
        }
        finally
        {
            _sendingProgress = false;
        }
    }

    private List<(JobRun Run, JobProgress Progress)> TakeProgress()
    {
        var reports = new List<(JobRun, JobProgress)>();
        while (reports.Count < MaxProgressBatch && _progressed.TryDequeue(out var run))
        {
            if (run.TakeProgress() is { } progress && !run.Finishing && run.Result is null) reports.Add((run, progress));
        }

        return reports;
    }

    private async Task TrimAsync()
    {
        if (_trimming) return;
        _trimming = true;
        try
        {
            var options = _queue.Options;
            bool more;
            do
            {
                (_, _, more) = await _queue.Store.TrimAsync(options.KeepFinished, TimeSpan.FromSeconds(options.KeepFinishedSeconds), _queue.IdWindow, 50, _all.Token);
            }
            while (more);
        }
        catch (Exception error) when (error is RedisException or WrongTypeException or OperationCanceledException)
        {
            _log.TrimFailed(_queue.Name, error.Message);
        }
        finally
        {
            _trimming = false;
        }
    }

    private async Task GiveBackStraysAsync(CancellationToken cancellationToken)
    {
        var strays = new List<Settled>();
        while (_lease.Strays.TryDequeue(out var stray)) strays.Add(stray);
        if (strays.Count > 0) await _queue.Store.SettleAsync(_lease.Generation, strays, [], cancellationToken);
        if (_services.Clock.GetElapsedTime(_trimmedAt) <= HousePeriod) return;
        _trimmedAt = _services.Clock.GetTimestamp();
        _ = TrimAsync();
        _services.SendOutbox(_queue.Name);
    }

    // Past the limit handlers are told to end; those that do not, past the grace, lose their jobs to the ready set.
    private void EndAll(long now)
    {
        foreach (var run in _held.All) run.End(EndCause.Shutdown);
        if (_services.Clock.GetElapsedTime(_stopBegan, now) < _stopLimit!.Value + StopGrace) return;
        foreach (var run in _held.All.Where(r => r.Result is null && !r.Finishing).ToList())
        {
            run.Lost = true;
            _held.Remove(run);
            _lease.Strays.Enqueue(new Settled(run.Seq, run.Counter, Settlement.Release, 0, null));
            _log.GivenBackWhileRunning(_queue.Name, run.Id);
        }
    }

    // Stopped is who holds nothing any more. What cannot be recorded or given back since the store is away is left to the
    // lease, which expires: stopping never waits for the store longer than that.
    private async Task StopWhenIdleAsync(TimeSpan over)
    {
        var tooLate = over > StopGrace + TimeSpan.FromSeconds(_services.Options.LeaseSeconds);
        if (_leaving || (!tooLate && (_held.Count > 0 || _lease.Strays.Count > 0))) return;
        _leaving = true;
        try
        {
            if (tooLate) _log.StoppedInPart(_queue.Name, _held.Count);
            else if (await _queue.Store.LeaveAsync(_lease.Generation, _all.Token) > 0) return;
            Stopped = true;
            await _all.CancelAsync();
        }
        catch (Exception error) when (error is RedisException or WrongTypeException or OperationCanceledException)
        {
            // Nothing is held: what stands in the store is a lease that expires by itself.
            _log.RenewFailed(_queue.Name, error.Message);
            Stopped = true;
            await _all.CancelAsync();
        }
        finally
        {
            _leaving = false;
        }
    }
}
