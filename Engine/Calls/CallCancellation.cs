namespace Gristmill.Engine;

/// <summary>
/// The callee's own token of one call. It is cancelled by a turn of the callee's activation, so that what the grain
/// registered with it runs there; a call that is cancelled before it begins does not begin.
/// </summary>
internal sealed class CallCancellation
{
    private readonly CancellationTokenSource _source = new();
    private readonly Lock _gate = new();
    private Activation? _runningOn;
    private bool _requested;

    public CancellationToken Token => _source.Token;

    /// <summary>False when the call was cancelled before.</summary>
    public bool TryBegin(Activation activation)
    {
        lock (_gate)
        {
            _runningOn = activation;
            return !_requested;
        }
    }

    public void Request()
    {
        lock (_gate)
        {
            _requested = true;
            _runningOn?.RunTurn(CancelIfRunning);
        }
    }

    public void End()
    {
        lock (_gate)
        {
            _runningOn = null;
        }
    }

    private void CancelIfRunning()
    {
        if (_runningOn is not null)
            _source.Cancel();
    }
}
