using Gristmill.Grains.Handlers;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Options;
using Gristmill.Store;
using Gristmill.Store.Payloads;
using Gristmill.Store.Sessions;

namespace Gristmill.Grains.Silo;

/// <summary>A session that went on without numbers that had not come.</summary>
/// <param name="Session">The session.</param>
/// <param name="Missing">How many numbers.</param>
/// <param name="At">When.</param>
internal sealed record SessionGap(string Session, long Missing, DateTimeOffset At);

/// <summary>One queue on this silo: its options, its store, and what runs its jobs. Made once, when the silo starts.</summary>
internal sealed class QueueRuntime(string name, QueueOptions options, QueueStore store, Func<IJobRunner> createRunner, TimeProvider clock) : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastPause = TimeSpan.FromSeconds(30);
    private int _executing;
    private volatile IJobRunner _runner = createRunner();
    private volatile string? _trouble;
    private volatile Action? _roomChanged;

    public string Name => name;

    public QueueOptions Options => options;

    public QueueStore Store => store;

    public IJobRunner Runner => _runner;

    /// <summary>How long its last jobs waited here.</summary>
    public RecentWaits Waits { get; } = new();

    public JobPolicy Policy { get; } = new(options);

    public IReadOnlyList<ListOptions> Lists { get; } = options.AllLists();

    public ForeignLists ForeignLists { get; } = new(options.DeadLetterList, options.ReplyToPrefixes, options.ReadFields);

    /// <summary>How jobs that belong together are treated; null when each stands for itself.</summary>
    public SessionPolicy? Sessions { get; } = options.Sessions?.ToPolicy(options.KeepFinishedSeconds);

    /// <summary>What other silos of the queue must have alike.</summary>
    public IReadOnlyDictionary<string, string> SharedOptions { get; } = Gristmill.Grains.Options.SharedOptions.Of(options);

    /// <summary>The members of payloads that are read.</summary>
    public PayloadFields Fields { get; } = options.ReadFields;

    /// <summary>The last session that went on without numbers that had not come; null when there was none.</summary>
    public SessionGap? LastGap { get; set; }

    /// <summary>What the queue went through here lately.</summary>
    public QueueHistory History { get; } = new(clock);

    public TimeSpan IdWindow => TimeSpan.FromSeconds(options.IdWindowSeconds);

    /// <summary>How many jobs may run at once now: what is configured, or what the workers offer.</summary>
    public int Capacity => Math.Min(options.Concurrency, _runner.Concurrency ?? int.MaxValue);

    /// <summary>Called when the runner may have room for more. From any thread.</summary>
    public Action? RoomChanged
    {
        set
        {
            // A runner that takes the place of this one meanwhile looks at the field.
            _roomChanged = value;
            _runner.RoomChanged = value;
        }
    }

    /// <summary>How many more jobs may be claimed now; what they need is kept for them until <see cref="Settle"/>.</summary>
    public int Reserve() => Math.Min(options.Concurrency - Executing, _runner.Reserve(Executing));

    /// <summary>The claim is over: what it has not filled is given back.</summary>
    /// <param name="wants">Whether there may be more to claim.</param>
    public void Settle(bool wants) => _runner.Settle(Executing, wants);

    /// <summary>
    /// The generation under which this silo holds jobs of the queue; another one after each loss of the lease. It outlives a
    /// bridge that failed, so that the next one finds the jobs of that one among its own and gives them back.
    /// </summary>
    public string Generation { get; set; } = SiloIdentity.NewGeneration();

    /// <summary>Handlers of this queue that run now.</summary>
    public int Executing => Volatile.Read(ref _executing);

    /// <summary>Why the queue takes no work here, as its bridge said last; null when it does.</summary>
    public string? Trouble
    {
        get => _trouble ?? Broken ?? History.Failing;
        set => _trouble = value;
    }

    /// <summary>Why the runner cannot start; null when it could.</summary>
    public string? Broken { get; private set; }

    /// <summary>Starts what runs the jobs; when it cannot start, tries again and again, ever more slowly, until the silo stops.</summary>
    /// <param name="failed">Called with each failure.</param>
    /// <param name="cancellationToken">The silo stops.</param>
    public async Task StartAsync(Action<string> failed, CancellationToken cancellationToken)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LastPause ? pause * 2 : LastPause)
        {
            try
            {
                await _runner.StartAsync(cancellationToken);
                Broken = null;
                return;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // With the end of a worker's stderr.
                Broken = PlainText.OneLine(error.Message);
                failed(Broken);
            }

            await Task.Delay(pause, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            if (cancellationToken.IsCancellationRequested) return;
            await _runner.DisposeAsync();
            _runner = createRunner();
            _runner.RoomChanged = _roomChanged;
        }
    }

    /// <summary>A handler is about to run. From any thread.</summary>
    public void Launched() => Interlocked.Increment(ref _executing);

    /// <summary>A handler has returned. From any thread.</summary>
    public void Returned() => Interlocked.Decrement(ref _executing);

    public ValueTask DisposeAsync() => _runner.DisposeAsync();
}
