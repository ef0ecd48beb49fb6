using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Silo;

/// <summary>
/// Keeps handlers that block their threads from starving the silo: grain turns, renewals and sockets need the thread pool
/// too, and by itself it adds one or two threads a second. A thread of its own asks the pool for a sign of life; where
/// none comes in time, the pool may have more threads at once.
/// </summary>
internal sealed class ThreadPoolGuard(SiloQueues queues, ILogger<ThreadPoolGuard> log) : IHostedService, IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    // Beyond what handlers can block at once more threads help nobody.
    private const int Spare = 16;
    private readonly ManualResetEventSlim _stop = new();
    private readonly ManualResetEventSlim _alive = new();
    private Thread? _thread;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _thread = new Thread(Watch) { IsBackground = true, Name = "gristmill-thread-pool-guard" };
        _thread.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _stop.Set();
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        _stop.Set();
        _thread?.Join();
        _stop.Dispose();
        _alive.Dispose();
    }

    private void Watch()
    {
        while (!_stop.Wait(Period))
        {
            _alive.Reset();
            ThreadPool.UnsafeQueueUserWorkItem(static guard => guard._alive.Set(), this, preferLocal: false);
            if (_alive.Wait(Period)) continue;
            AllowMore();

            // The sign still comes, late; the next question waits for it.
            while (!_alive.Wait(Period) && !_stop.IsSet) AllowMore();
        }
    }

    private void AllowMore()
    {
        ThreadPool.GetMinThreads(out var workers, out var io);
        var most = queues.All.Sum(q => q.Options.Concurrency) + Spare;
        var wanted = Math.Min(Math.Max(workers, ThreadPool.ThreadCount) + Environment.ProcessorCount * 4, Math.Max(most, workers));
        if (wanted > workers && ThreadPool.SetMinThreads(wanted, io)) log.MoreThreads(wanted);
    }
}
