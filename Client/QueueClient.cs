using System.Globalization;
using System.Runtime.CompilerServices;
using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>One queue: enqueueing is in QueueClient.Enqueue.cs.</summary>
internal sealed partial class QueueClient : IQueueClient, IAsyncDisposable
{
    private const int MaxReasonLength = 256;

    private readonly ClientContext _context;
    private readonly RetryPolicy _retry;
    private readonly QueueStore _store;
    private readonly QueueSettings _settings;
    private readonly QueueConditions _conditions;
    private readonly QueueEvents _events;
    private readonly SharedReads _reads;

    public QueueClient(ClientContext context, RedisKeys keys)
    {
        _context = context;
        _store = new QueueStore(context.Redis, keys);
        _retry = context.RetryOf(keys);
        _settings = new QueueSettings(context, _store, _retry);
        _conditions = new QueueConditions(context, _store);
        _events = new QueueEvents(context, keys.Events);
        _reads = new SharedReads(context.Reads, GetAsync);
        DeadLetters = new DeadLetters(_store, _settings, _retry);
        Sessions = new Sessions(_store, _retry);
    }

    public string Name => _store.Name;

    public IDeadLetters DeadLetters { get; }

    public ISessions Sessions { get; }

    public Task<Job?> GetAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        return _retry.RepeatableAsync(token => ReadAsync(id, token), cancellationToken);
    }

    public Task<JobList> ListAsync(JobState? state = null, string? cursor = null, int limit = 100, CancellationToken cancellationToken = default) =>
        _retry.RepeatableAsync(
            async token =>
            {
                var page = await _store.ListAsync(state, cursor, limit, token).ConfigureAwait(false);
                var condition = await _conditions.OfAsync(page.Jobs, token).ConfigureAwait(false);
                return new JobList([.. page.Jobs.Select(j => JobMapper.Map(j, condition))], page.Cursor);
            },
            cancellationToken);

    public IAsyncEnumerable<JobEvent> WatchAsync(string id, CancellationToken cancellationToken = default) => WatchAsync(id, WatchWants.Everything, cancellationToken);

    /// <summary>The events of a job that comes without its payload.</summary>
    public IAsyncEnumerable<JobEvent> WatchStatesAsync(string id, CancellationToken cancellationToken) => WatchAsync(id, WatchWants.States, cancellationToken);

    private async IAsyncEnumerable<JobEvent> WatchAsync(string id, WatchWants wants, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(id);
        var watch = new JobWatch(_context, _events, Name, id, wants, _reads);
        await using (watch.ConfigureAwait(false))
        {
            await foreach (var happened in watch.ReadAsync(cancellationToken).ConfigureAwait(false)) yield return happened;
        }
    }

    public async Task<Job> WaitAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        var watch = new JobWatch(_context, _events, Name, id, WatchWants.Outcome, _reads);
        await using (watch.ConfigureAwait(false))
        {
            await foreach (var happened in watch.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                if (happened.Job.IsFinished) return happened.Job;
            }
        }

        throw new ObjectDisposedException(nameof(GristmillClient), "The client was disposed while a job was waited for.");
    }

    public async Task<CancelOutcome> CancelAsync(string id, string? reason = null, CancellationToken cancellationToken = default)
    {
        JobComposer.CheckId(id);
        var why = reason ?? string.Empty;
        if (why.Length > MaxReasonLength) why = why[..MaxReasonLength];
        var window = (await _settings.GetAsync(cancellationToken).ConfigureAwait(false)).IdWindow;
        var calls = 0;
        var verdicts = await _retry.RepeatableAsync(
            token =>
            {
                calls++;
                return _store.CancelAsync([id], why, window, token);
            },
            cancellationToken).ConfigureAwait(false);
        var outcome = Outcome(verdicts[0]);

        // A repeated call finds what the first one did, when only its answer was lost.
        return outcome == CancelOutcome.Ended && calls > 1 && await GetAsync(id, cancellationToken).ConfigureAwait(false) is { State: JobState.Cancelled }
            ? CancelOutcome.Cancelled
            : outcome;
    }

    public async Task<RequeueOutcome> RetryAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        var (seq, _) = await _retry.RepeatableAsync(token => _store.FindAsync(id, token), cancellationToken).ConfigureAwait(false);
        if (seq is not { } number) return RequeueOutcome.Unknown;
        var window = (await _settings.GetAsync(cancellationToken).ConfigureAwait(false)).IdWindow;
        var verdicts = await _retry.RunAsync(
            token => _store.RequeueAsync([(number, null)], window, token), repeatable: false, cancellationToken).ConfigureAwait(false);
        return RequeueVerdict.Parse(verdicts[0].Verdict);
    }

    public Task<QueueInfo> GetInfoAsync(CancellationToken cancellationToken = default) =>
        _retry.RepeatableAsync(
            async token =>
            {
                var counts = await _store.CountAsync(token).ConfigureAwait(false);
                var silos = await SilosAsync(counts.Now, token).ConfigureAwait(false);
                return QueueInfo.From(Name, counts, silos, await ListsAsync(counts.Lists, token).ConfigureAwait(false));
            },
            cancellationToken);

    private async Task<IReadOnlyList<QueueList>> ListsAsync(IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var lists = new List<QueueList>(names.Count);
        foreach (var name in names)
        {
            try
            {
                lists.Add(new QueueList(name, await _store.LengthAsync(name, cancellationToken).ConfigureAwait(false), null));
            }
            catch (RedisServerException error) when (error.Code == RedisErrorCode.WrongType)
            {
                lists.Add(new QueueList(name, null, $"The key '{name}' is no list."));
            }
        }

        return lists;
    }

    public Task PauseAsync(CancellationToken cancellationToken = default) => SetModeAsync(QueueMode.Paused, cancellationToken);

    public Task ResumeAsync(CancellationToken cancellationToken = default) => SetModeAsync(QueueMode.Open, cancellationToken);

    public Task DrainAsync(CancellationToken cancellationToken = default) => SetModeAsync(QueueMode.Draining, cancellationToken);

    public ValueTask DisposeAsync() => _events.DisposeAsync();

    private static CancelOutcome Outcome(string verdict) => verdict switch
    {
        "cancelled" => CancelOutcome.Cancelled,
        "requested" => CancelOutcome.Requested,
        "ended" => CancelOutcome.Ended,
        "remembered" => CancelOutcome.Remembered,
        _ => CancelOutcome.Unknown,
    };

    private Task SetModeAsync(QueueMode mode, CancellationToken cancellationToken) =>
        _retry.RepeatableAsync(
            async token =>
            {
                await _store.SetModeAsync(mode, token).ConfigureAwait(false);
                _conditions.Forget();
                return mode;
            },
            cancellationToken);

    private async ValueTask<Job?> ReadAsync(string id, CancellationToken cancellationToken)
    {
        if (await _store.GetAsync(id, cancellationToken).ConfigureAwait(false) is not { } view) return null;
        return JobMapper.Map(view, await _conditions.OfAsync([view], cancellationToken).ConfigureAwait(false));
    }

    // Those whose lease has not expired, by name.
    private async ValueTask<IReadOnlyList<string>> SilosAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var live = await _context.Redis.ExecuteAsync(new RedisCommand("ZRANGEBYSCORE", _store.Keys.Of("leases"), Milliseconds(now), "+inf"), cancellationToken).ConfigureAwait(false);
        if (live.Count == 0) return [];
        var fields = new RedisCommand("HMGET", _store.Keys.Of("silos"));
        foreach (var generation in live.AsList()) fields.Add(generation.AsString());
        var names = await _context.Redis.ExecuteAsync(fields, cancellationToken).ConfigureAwait(false);
        return [.. names.AsList().Zip(live.AsList(), (name, generation) => name.AsStringOrNull() ?? generation.AsString()).Order(StringComparer.Ordinal)];
    }

    private static string Milliseconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
}

/// <summary>The store's words for what became of a requeue.</summary>
internal static class RequeueVerdict
{
    public static RequeueOutcome Parse(string verdict) => verdict switch
    {
        "requeued" => RequeueOutcome.Requeued,
        "live" => RequeueOutcome.Live,
        _ => RequeueOutcome.Unknown,
    };
}
