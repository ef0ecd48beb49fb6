namespace Gristmill.Engine;

/// <summary>
/// Runs the turns of one activation, one after the other, on the thread pool. The activation's code is started as a
/// task of this scheduler, so each await in it captures the scheduler and resumes here.
/// </summary>
/// <param name="pump">Starts what waits in the mailbox; runs as a turn.</param>
internal sealed class ActivationTaskScheduler(Action pump) : TaskScheduler, IThreadPoolWorkItem
{
    /// <summary>After so many turns in a row the thread is given back, so that one activation cannot keep it.</summary>
    private const int TurnsPerRun = 128;

    [ThreadStatic]
    private static ActivationTaskScheduler? s_running;

    private readonly Lock _gate = new();

    // A null stands for the pump: its task is made when it runs, on a thread without any caller's execution context.
    private readonly Queue<Task?> _turns = new(2);
    private bool _pumpQueued;
    private bool _scheduled;

    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Queues a turn of the pump, once until it runs.</summary>
    public void RequestPump()
    {
        lock (_gate)
        {
            if (_pumpQueued)
                return;
            _pumpQueued = true;
            _turns.Enqueue(null);
            if (_scheduled)
                return;
            _scheduled = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
    }

    void IThreadPoolWorkItem.Execute()
    {
        s_running = this;
        try
        {
            for (var turns = 0; turns < TurnsPerRun; turns++)
            {
                if (!TryDequeue(out var task))
                    return;
                if (task is not null)
                    TryExecuteTask(task);
                else
                    new Task(pump).RunSynchronously(this);
            }
        }
        finally
        {
            s_running = null;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    protected override void QueueTask(Task task)
    {
        lock (_gate)
        {
            _turns.Enqueue(task);
            if (_scheduled)
                return;
            _scheduled = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
    }

    // Inline only what is new and asked for by a turn of this very activation.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        !taskWasPreviouslyQueued && ReferenceEquals(s_running, this) && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_gate)
        {
            return [.. _turns.OfType<Task>()];
        }
    }

    private bool TryDequeue(out Task? task)
    {
        lock (_gate)
        {
            if (!_turns.TryDequeue(out task))
                return _scheduled = false;
            if (task is null)
                _pumpQueued = false;
            return true;
        }
    }
}
