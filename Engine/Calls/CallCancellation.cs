namespace Gristmill.Engine;

/// <summary>
/// The callee's own token of one call. It is cancelled by a turn of the callee's activation, so that what the grain
/// registered with it runs there; a call that is cancelled before it begins does not begin. Where the callee is on another
/// silo, this is the caller's end of it.
/// </summary>
internal sealed class CallCancellation
{
    private readonly CancellationTokenSource _source = new();
    private readonly Lock _gate = new();
    private Activation? _runningOn;
    private Action? _elsewhere;
    private bool _requested;

    public CancellationToken Token => _source.Token;

    /// <summary>False when the call was cancelled before.</summary>
    public bool TryBegin(Activation activation)
    {
        lock (_gate)
        {
            _runningOn = activation;
            _elsewhere = null;
            return !_requested;
        }
    }

    /// <summary>The call goes to another silo, which is told of a cancellation so. False when the call was cancelled before.</summary>
    public bool TryLeave(Action onRequested)
    {
        lock (_gate)
        {
            _elsewhere = onRequested;
            return !_requested;
        }
    }

    public void Request()
    {
        Action? elsewhere;
        lock (_gate)
        {
            _requested = true;
            _runningOn?.RunTurn(CancelIfRunning);
            elsewhere = _elsewhere;
        }

        elsewhere?.Invoke();
    }

    public void End()
    {
        lock (_gate)
        {
            _runningOn = null;
            _elsewhere = null;
        }
    }

    private void CancelIfRunning()
    {
        if (_runningOn is not null)
            _source.Cancel();
    }
}
