using Gristmill.Grains.Handlers;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Options;
using Gristmill.Store;

namespace Gristmill.Grains.Silo;

/// <summary>One queue on this silo: its options, its store, and what runs its jobs. Made once, when the silo starts.</summary>
internal sealed class QueueRuntime(string name, QueueOptions options, QueueStore store, IJobRunner runner) : IAsyncDisposable
{
    private int _executing;

    public string Name => name;

    public QueueOptions Options => options;

    public QueueStore Store => store;

    public IJobRunner Runner => runner;

    /// <summary>How long its last jobs waited here.</summary>
    public RecentWaits Waits { get; } = new();

    public JobPolicy Policy { get; } = new(options);

    public IReadOnlyList<ListOptions> Lists { get; } = options.AllLists();

    public TimeSpan IdWindow => TimeSpan.FromSeconds(options.IdWindowSeconds);

    /// <summary>How many jobs may run at once now: what is configured, or what the workers offer.</summary>
    public int Capacity => Math.Min(options.Concurrency, runner.Concurrency ?? int.MaxValue);

    /// <summary>
    /// The generation under which this silo holds jobs of the queue; another one after each loss of the lease. It outlives a
    /// bridge that failed, so that the next one finds the jobs of that one among its own and gives them back.
    /// </summary>
    public string Generation { get; set; } = SiloIdentity.NewGeneration();

    /// <summary>Handlers of this queue that run now.</summary>
    public int Executing => Volatile.Read(ref _executing);

    /// <summary>Why the runner could not start; null when it could.</summary>
    public string? Broken { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await runner.StartAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The silo stops.
        }
        catch (Exception error)
        {
            Broken = error.Message;
        }
    }

    /// <summary>A handler is about to run. From any thread.</summary>
    public void Launched() => Interlocked.Increment(ref _executing);

    /// <summary>A handler has returned. From any thread.</summary>
    public void Returned() => Interlocked.Decrement(ref _executing);

    public ValueTask DisposeAsync() => runner.DisposeAsync();
}
