using System.Globalization;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Options;
using Gristmill.Grains.Sessions;
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
    private static readonly TimeSpan HousePeriod = TimeSpan.FromSeconds(10);

    private readonly QueueRuntime _queue;
    private readonly BridgeServices _services;
    private readonly ILogger _log;
    private readonly HeldJobs _held;
    private readonly StoreClock _storeClock;
    private readonly LeaseKeeper _lease;
    private readonly Intake _intake;
    private readonly Recorder _recorder;
    private readonly Claimer _claimer;
    private readonly ProgressSender _progress;
    private readonly Trimmer _trimmer;
    private readonly SessionKeeper? _sessions;
    private readonly BridgeStop _stop;
    private readonly List<ListSource> _lists = [];
    private readonly CancellationTokenSource _taking = new();
    private readonly CancellationTokenSource _all = new();
    private readonly List<Task> _loops = [];
    private long _polledAt;
    private long _housedAt;

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
            var waiter = new ListWaiter(services.Redis, list.Name, queue.Options.OldestAt() == PopEnd.Right, item => OnListFilled(list.Name, item), services.Clock, log);
            _lists.Add(new ListSource(list.Name, list.Priority, waiter));
        }

        _claimer = new Claimer(queue, _lease, _held, _intake, _storeClock, _lists, new ListGuard(services.Redis, queue, services.Clock, log), services.Clock, services.Random, log)
        {
            Buried = count => services.Count(0, count),
        };
        _progress = new ProgressSender(queue, services.Clock, log);
        _trimmer = new Trimmer(queue, log);
        _sessions = queue.Sessions is null ? null : new SessionKeeper(queue, services.FinishSession, services.Clock, log);
        _stop = new BridgeStop(queue, _lease, _held, TimeSpan.FromSeconds(services.Options.LeaseSeconds), services.Clock, log);
    }

    /// <summary>Whether it has stopped: nothing is held and the lease is given up.</summary>
    public bool Stopped => _stop.IsOver;

    public BridgeStatus Status => new(_queue.Name, _held.Executing, _held.Count, Stopped, Trouble);

    private string? Trouble => _queue.Broken ?? _lease.Trouble ?? _recorder.Trouble ?? _intake.Trouble ?? _claimer.Trouble ?? _queue.History.Failing;

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
        _queue.RoomChanged = _claimer.Wake;
    }

    /// <summary>Whether a loop has ended that should run: the grain makes a new bridge then.</summary>
    public Exception? Failure => _loops.FirstOrDefault(l => l.IsFaulted)?.Exception?.InnerException;

    /// <summary>Begins to stop. Asked again, the sooner end counts: a silo that drains without a limit may be told to stop.</summary>
    public void BeginStop(TimeSpan limit)
    {
        if (_stop.Begin(limit)) _taking.Cancel();
    }

    /// <summary>Renews the lease and keeps house. Called by a timer of the grain.</summary>
    public async Task RenewAsync(CancellationToken cancellationToken)
    {
        if (Stopped || _stop.IsLeaving) return;
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
            _log.StraysKept(_queue.Name, error.Message);
        }
    }

    /// <summary>Looks at deadlines, progress and what is due. Called by a timer of the grain, often.</summary>
    public void Sweep()
    {
        if (Stopped) return;
        var now = _services.Clock.GetTimestamp();
        _lease.CheckDeadline();
        _queue.Trouble = Trouble;
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
            if (_lease.IsHeld) _ = _sessions?.StepAsync(_all.Token);
        }
        else if (_claimer.NextDue is { } due && due <= _storeClock.Now)
        {
            _claimer.WakeReady();
        }
        else
        {
            _claimer.WakeRested();
        }

        _ = _progress.SendAsync(_all.Token);
        _ = StopAsync();
    }

    /// <summary>From any thread.</summary>
    public void Progressed(JobRun run) => _progress.Add(run);

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
    private void OnListFilled(string name, ReadOnlyMemory<byte> item)
    {
        foreach (var list in _lists.Where(l => l.Name == name))
        {
            ListGuard.Woke(list, item, _queue.Options.Dialect);
            list.Hint = true;
        }

        _queue.Runner.Wanted();
        _claimer.Wake();
    }

    private void OnRecorded(RecordedBatch batch)
    {
        _services.Count(batch.Completed, batch.Dead);
        if (batch.NextDue is { } due) _claimer.Due(due);
        if (_queue.Options.ClusterConcurrency > 0) _claimer.WakeAll();
        else _claimer.Wake();
        if (_trimmer.IsPressing(_recorder.Kept)) _ = _trimmer.TrimAsync(_all.Token);
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

    // What silos must hear at once: that there is work, that a reply waits to be sent, that a job is to be cancelled, that the queue is paused. All of it
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
            _queue.Runner.Wanted();
            _claimer.WakeReady();
        }
        else if (text == "sessions")
        {
            _ = _sessions?.StepAsync(_all.Token);
        }
        else if (text == "outbox")
        {
            _services.SendOutbox(_queue.Name);
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

    private async Task GiveBackStraysAsync(CancellationToken cancellationToken)
    {
        var strays = new List<Settled>();
        while (_lease.Strays.TryDequeue(out var stray)) strays.Add(stray);
        if (strays.Count > 0) await _queue.Store.SettleAsync(_lease.Generation, strays, cancellationToken);
        if (!_lease.IsHeld || _services.Clock.GetElapsedTime(_housedAt) <= HousePeriod) return;
        _housedAt = _services.Clock.GetTimestamp();
        _ = _trimmer.TrimAsync(_all.Token);
        _services.SendOutbox(_queue.Name);
    }

    private async Task StopAsync()
    {
        await _stop.GoOnAsync(_all.Token);
        if (_stop.IsOver) await _all.CancelAsync();
    }
}
