namespace Gristmill.Engine;

/// <summary>
/// The caller's half of a call: the task it waits for, ended once, by the reply, the response timeout or the caller's
/// own cancellation, whichever is first.
/// </summary>
internal abstract class PendingCall(GrainId target, GrainMethod method, TimeSpan timeout, long deadline) : IReplyTo
{
    private CancellationTokenRegistration _cancellation;
    private int _ended;

    /// <summary>When the caller gives up, as a timestamp of the engine's clock.</summary>
    public long Deadline { get; } = deadline;

    public bool HasEnded => Volatile.Read(ref _ended) != 0;

    public abstract Task Task { get; }

    // The links of the list of outstanding calls, guarded by its lock.
    internal PendingCall? Previous { get; set; }

    internal PendingCall? Next { get; set; }

    internal OutstandingCalls.Stripe? Stripe { get; set; }

    /// <summary>Ends the call at once when the caller cancels, and tells the callee.</summary>
    public void EndOn(CancellationToken token, CallCancellation callee)
    {
        _cancellation = token.UnsafeRegister(
            static (state, cancelled) =>
            {
                var (pending, callee) = ((PendingCall, CallCancellation))state!;
                pending.Reply(new(null, new OperationCanceledException(cancelled)));
                callee.Request();
            },
            (this, callee));
        if (HasEnded)
            _cancellation.Dispose();
    }

    public void Reply(in Outcome outcome)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
            return;
        Stripe?.Remove(this);
        _cancellation.Unregister();
        End(outcome);
    }

    public void TimeOut() => Reply(new(null, new TimeoutException(
        $"The call {method} to {target} was not answered within {timeout}. It may still be running.")));

    protected abstract void End(in Outcome outcome);
}

/// <inheritdoc cref="PendingCall"/>
internal sealed class PendingCall<T>(GrainId target, GrainMethod method, TimeSpan timeout, long deadline) : PendingCall(target, method, timeout, deadline)
{
    // Asynchronous continuations: a caller must never run inside the turn of the grain that answers it.
    private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override Task Task => _result.Task;

    protected override void End(in Outcome outcome)
    {
        if (outcome.Error is OperationCanceledException cancelled)
            _result.TrySetCanceled(cancelled.CancellationToken.IsCancellationRequested ? cancelled.CancellationToken : new(true));
        else if (outcome.Error is { } error)
            _result.TrySetException(error);
        else
            _result.TrySetResult((T)outcome.Value!);
    }
}
