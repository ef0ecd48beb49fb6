namespace Gristmill.Engine;

/// <summary>Keeps a caller's execution context (its request context, its span) out of what is started for an activation.</summary>
internal readonly struct SuppressedFlow : IDisposable
{
    private readonly AsyncFlowControl _control;
    private readonly bool _suppressed;

    private SuppressedFlow(AsyncFlowControl control)
    {
        _control = control;
        _suppressed = true;
    }

    public static SuppressedFlow Begin() => ExecutionContext.IsFlowSuppressed() ? default : new(ExecutionContext.SuppressFlow());

    public void Dispose()
    {
        if (_suppressed)
            _control.Undo();
    }
}
