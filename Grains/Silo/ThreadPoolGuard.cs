using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Silo;

/// <summary>
/// Keeps handlers that hold their threads from starving the silo, whose leases are renewed on the same thread pool. The
/// pool adds a thread or two a second when all are held, which is too slow for a lease of seconds. From a thread of its
/// own this looks how long work waits in the pool, and raises the number of threads that it makes at once while work waits
/// too long. Where handlers await it never does anything.
/// </summary>
/// <param name="log">Where it says what it did.</param>
/// <param name="handlersRun">Whether handlers run now: without one nobody holds threads, and a crowded machine is nothing to warn of.</param>
internal sealed class ThreadPoolGuard(ILogger log, Func<bool> handlersRun)
{
    private const int MaxThreads = 1024;
    private const int Step = 16;
    private static readonly TimeSpan LookPeriod = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(300);
    private readonly ManualResetEventSlim _stop = new();

    public void Start() => new Thread(Watch) { IsBackground = true, Name = "gristmill thread pool guard" }.Start();

    public void Stop() => _stop.Set();

    private void Watch()
    {
        while (!_stop.Wait(LookPeriod))
        {
            var ran = new ManualResetEventSlim();
            ThreadPool.UnsafeQueueUserWorkItem(static ran => ran.Set(), ran, preferLocal: false);
            while (!ran.Wait(Patience) && !_stop.IsSet)
            {
                if (handlersRun()) Raise();
            }
        }
    }

    private void Raise()
    {
        ThreadPool.GetMinThreads(out var workers, out var ports);
        var more = Math.Min(workers + Step, MaxThreads);
        if (more > workers && ThreadPool.SetMinThreads(more, ports)) log.ThreadsHeld(more);
    }
}
