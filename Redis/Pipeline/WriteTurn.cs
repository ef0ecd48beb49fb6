namespace Gristmill.Redis;

/// <summary>
/// Whose turn it is to write to the link: nobody's, the writer's loop's, or that of a caller who found nobody writing and
/// need not wake the loop. One at a time, so that the order of commands is kept. Used under the lock of
/// <see cref="CommandQueue"/>.
/// </summary>
internal sealed class WriteTurn
{
    private SemaphoreSlim _work = new(0);
    private Holder _holder = Holder.Loop;
    private TaskCompletionSource? _callerLeft;
    private bool _open;

    private enum Holder : byte
    {
        Nobody,
        Loop,
        Caller,
    }

    /// <summary>A link is there: its loop writes first.</summary>
    public void Open()
    {
        _work = new SemaphoreSlim(0);
        _holder = Holder.Loop;
        _open = true;
    }

    /// <summary>No caller writes from here on. The task ends when none does any more, which is soon: callers never wait.</summary>
    public Task CloseAsync()
    {
        _open = false;
        if (_holder != Holder.Caller)
        {
            return Task.CompletedTask;
        }

        _callerLeft = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _callerLeft.Task;
    }

    /// <summary>Makes it a caller's turn, if it is nobody's.</summary>
    public bool TryTake()
    {
        if (!_open || _holder != Holder.Nobody)
        {
            return false;
        }

        _holder = Holder.Caller;
        return true;
    }

    /// <summary>There is something to write: the loop's turn, if it is nobody's.</summary>
    public void Wake()
    {
        if (_holder == Holder.Nobody)
        {
            _holder = Holder.Loop;
            _work.Release();
        }
    }

    /// <summary>Ends the turn, whoever has it: nothing is left to write.</summary>
    public void Leave() => Leave(Holder.Nobody);

    /// <summary>Ends a caller's turn: the loop goes on.</summary>
    public void PassOn()
    {
        Leave(Holder.Loop);
        _work.Release();
    }

    /// <summary>The loop waits for its turn.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _work.WaitAsync(cancellationToken);

    private void Leave(Holder next)
    {
        _holder = next;
        _callerLeft?.TrySetResult();
        _callerLeft = null;
    }
}
