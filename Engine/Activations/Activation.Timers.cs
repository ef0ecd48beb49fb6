namespace Gristmill.Engine;

// The timers of an activation.
internal sealed partial class Activation
{
    /// <summary>The most timers of one activation: far more than any grain needs, few enough to notice a leak.</summary>
    private const int MaxTimers = 1024;

    private List<GrainTimer>? _timers;

    public IGrainTimer RegisterTimer(Func<CancellationToken, Task> callback, GrainTimerCreationOptions options)
    {
        var timer = new GrainTimer(this, callback, options);
        lock (_gate)
        {
            if (_phase is Phase.Deactivating or Phase.Gone)
                throw new InvalidOperationException($"{Id} is being deactivated; it takes no more timers.");
            if (_timers is { Count: >= MaxTimers })
                throw new InvalidOperationException($"{Id} has {MaxTimers} timers; it takes no more.");
            (_timers ??= []).Add(timer);
        }

        timer.Start();
        return timer;
    }

    public void Forget(GrainTimer timer)
    {
        lock (_gate)
        {
            _timers?.Remove(timer);
        }
    }

    private void StopTimers()
    {
        GrainTimer[] timers;
        lock (_gate)
        {
            timers = [.. _timers ?? []];
        }

        foreach (var timer in timers)
            timer.Dispose();
    }
}
