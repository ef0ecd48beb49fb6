using Gristmill.Grains.Gpu;

namespace Gristmill.Grains.Workers;

/// <summary>
/// One of a pool's places: the process that fills it now, and when the next one may start. Touched under the pool's
/// lock only.
/// </summary>
internal sealed class WorkerSlot(int index, WorkerOptions options, TimeProvider time, Random random)
{
    /// <summary>Restarts of a pool's workers, and of silos that share a cause, shall not come in step.</summary>
    private const double Jitter = 0.2;

    private int _failures;
    private long _freeSince;
    private TimeSpan _backoff;

    public int Index => index;

    public WorkerProcess? Worker { get; private set; }

    /// <summary>What it has asked the devices for; null when it has not, or was granted it.</summary>
    public GpuRequest? Request { get; set; }

    public Task Running { get; private set; } = Task.CompletedTask;

    /// <summary>Whether its last process did not get as far as to be ready: the next may fare the same.</summary>
    public bool FailsToStart { get; private set; }

    /// <summary>Whether no job shall wait for it: there is no process, or one that starts as the last one did, which failed.</summary>
    public bool IsHopeless => Worker is null || (FailsToStart && !Worker.WasReady);

    public bool MayStart(long now) => Worker is null && time.GetElapsedTime(_freeSince, now) >= _backoff;

    public void Fill(WorkerProcess worker) => Worker = worker;

    /// <summary>The task that follows the process; it ends when the slot is free again.</summary>
    public void Follow(Task running) => Running = running;

    /// <summary>Frees the slot: at once after an orderly end, else after a wait that doubles with each failure.</summary>
    public TimeSpan Free(WorkerObituary obituary)
    {
        Worker = null;
        _freeSince = time.GetTimestamp();
        FailsToStart = !obituary.WasReady && !obituary.WasOrderly;
        _failures = obituary.WasOrderly ? 0 : obituary.JobsDone > 0 ? 1 : _failures + 1;
        _backoff = _failures == 0 ? TimeSpan.Zero : Backoff(_failures);
        return _backoff;
    }

    private TimeSpan Backoff(int failures)
    {
        // 2^30 of the smallest backoff is past the largest; the power must not overflow.
        var doubled = options.RestartBackoff * Math.Pow(2, Math.Min(failures - 1, 30));
        var capped = doubled < options.MaxRestartBackoff ? doubled : options.MaxRestartBackoff;
        return capped * (1 - Jitter + (2 * Jitter * random.NextDouble()));
    }
}
