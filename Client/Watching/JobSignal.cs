using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>What one watcher has yet to look at: whether its job changed, and the newest progress.</summary>
internal sealed class JobSignal(long seq, bool outcomeOnly)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _woken = NewSource();
    private JobProgress? _progress;
    private bool _changed;
    private bool _ended;

    public long Seq => seq;

    /// <summary>The job may be in another state.</summary>
    /// <param name="isOutcome">Whether what is known of it is an outcome; those who wait only for that sleep on otherwise.</param>
    public void Changed(bool isOutcome = true)
    {
        if (outcomeOnly && !isOutcome) return;
        lock (_gate)
        {
            _changed = true;
            _woken.TrySetResult();
        }
    }

    public void Progressed(JobProgress progress)
    {
        if (outcomeOnly) return;
        lock (_gate)
        {
            _progress = progress;
            _woken.TrySetResult();
        }
    }

    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            _woken.TrySetResult();
        }
    }

    /// <summary>Waits until there is something, and takes it.</summary>
    /// <returns>Whether the job changed, the newest progress, and whether there will be nothing more.</returns>
    public async Task<(bool Changed, JobProgress? Progress, bool Ended)> TakeAsync(CancellationToken cancellationToken)
    {
        await _woken.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            _woken = NewSource();
            var taken = (_changed, _progress, _ended);
            (_changed, _progress) = (false, null);
            return taken;
        }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
