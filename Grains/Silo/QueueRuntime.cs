using Gristmill.Grains.Handlers;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Options;
using Gristmill.Store;

namespace Gristmill.Grains.Silo;

/// <summary>One queue on this silo: its options, its store, and what runs its jobs. Made once, when the silo starts.</summary>
internal sealed class QueueRuntime(string name, QueueOptions options, QueueStore store, IJobRunner runner) : IAsyncDisposable
{
    public string Name => name;

    public QueueOptions Options => options;

    public QueueStore Store => store;

    public IJobRunner Runner => runner;

    public JobPolicy Policy { get; } = new(options);

    public IReadOnlyList<ListOptions> Lists { get; } = options.AllLists();

    public TimeSpan IdWindow => TimeSpan.FromSeconds(options.IdWindowSeconds);

    /// <summary>How many jobs may run at once now: what is configured, or what the workers offer.</summary>
    public int Capacity => Math.Min(options.Concurrency, runner.Concurrency ?? int.MaxValue);

    /// <summary>Why the runner could not start; null when it could.</summary>
    public string? Broken { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await runner.StartAsync(cancellationToken);
        }
        catch (RunnerStartException error)
        {
            Broken = error.Message;
        }
    }

    public ValueTask DisposeAsync() => runner.DisposeAsync();
}
