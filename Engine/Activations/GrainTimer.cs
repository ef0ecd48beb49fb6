namespace Gristmill.Engine;

/// <summary>
/// A timer of a grain. When it is due it puts itself into the activation's mailbox; the next due time counts from the
/// end of the tick, so at most one tick of a timer waits or runs.
/// </summary>
internal sealed class GrainTimer : MailboxItem, IGrainTimer
{
    // What a timer of the framework can wait for, in milliseconds.
    private const double MaxMilliseconds = 0xfffffffe;

    private readonly Activation _activation;
    private readonly Func<CancellationToken, Task> _callback;
    private readonly GrainTimerCreationOptions _options;
    private readonly CancellationTokenSource _stopped = new();
    private readonly Lock _gate = new();
    private ITimer? _timer;
    private TimeSpan _dueTime;
    private TimeSpan _period;
    private bool _ticking;
    private bool _changed;

    public GrainTimer(Activation activation, Func<CancellationToken, Task> callback, GrainTimerCreationOptions options)
    {
        Check(options.DueTime, nameof(options.DueTime));
        Check(options.Period, nameof(options.Period));
        _activation = activation;
        _callback = callback;
        _options = options;
        _dueTime = options.DueTime;
        _period = options.Period;
    }

    public override bool Interleaves => _options.Interleave;

    public override bool ReadOnly => false;

    public override bool CountsAsUse => _options.KeepAlive;

    public void Start()
    {
        using var _ = SuppressedFlow.Begin();
        lock (_gate)
        {
            _timer = _activation.Engine.Time.CreateTimer(
                static state => ((GrainTimer)state!).Due(), this, _dueTime, Timeout.InfiniteTimeSpan);
        }
    }

    public void Change(TimeSpan dueTime, TimeSpan period)
    {
        Check(dueTime, nameof(dueTime));
        Check(period, nameof(period));
        lock (_gate)
        {
            _changed = true;
            _dueTime = dueTime;
            _period = period;
            if (!_ticking)
                _timer?.Change(dueTime, Timeout.InfiniteTimeSpan);
        }
    }

    public override async Task RunAsync(Activation activation)
    {
        if (_stopped.IsCancellationRequested)
            return;
        lock (_gate)
        {
            _changed = false;
        }

        try
        {
            await _callback(_stopped.Token);
        }
        catch (OperationCanceledException) when (_stopped.IsCancellationRequested)
        {
            // The tick heard that its timer has ended.
        }
        catch (Exception thrown)
        {
            activation.Engine.Log.TimerTickFailed(thrown, activation.Id);
            if (thrown is InconsistentStateException)
                activation.Deactivate(new(DeactivationReasonCode.ApplicationError, thrown, $"The state of {activation.Id} was changed by another writer."));
        }

        TickEnded();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _timer?.Dispose();
            _timer = null;
        }

        _activation.Guarded(_stopped.Cancel);
        _activation.Forget(this);
    }

    private void Due()
    {
        lock (_gate)
        {
            _ticking = true;
        }

        _activation.TryDeliver(this, out _);
    }

    private void TickEnded()
    {
        lock (_gate)
        {
            _ticking = false;
            _timer?.Change(_changed ? _dueTime : _period, Timeout.InfiniteTimeSpan);
        }
    }

    private static void Check(TimeSpan time, string name)
    {
        if (time != Timeout.InfiniteTimeSpan && (time < TimeSpan.Zero || time.TotalMilliseconds > MaxMilliseconds))
            throw new ArgumentOutOfRangeException(name, time, "A timer's time is infinite, or from zero to 49 days.");
    }
}
