using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Client.Testing;

/// <summary>A queue in memory: what was enqueued, and who plays the silo.</summary>
public sealed class FakeQueue : IQueueClient
{
    private readonly List<FakeJob> _jobs = [];
    private readonly Dictionary<string, string> _cancelledAhead = [];
    private readonly GristmillClientOptions _options;
    private readonly Action<CancellationToken> _reach;
    private long _seq;

    internal FakeQueue(string name, GristmillClientOptions options, TimeProvider clock, Action<CancellationToken> reach)
    {
        (Name, _options, Clock, _reach) = (name, options, clock, reach);
        DeadLetters = new FakeDeadLetters(this);
        Sessions = new FakeSessions(this);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>What was enqueued, in order; what was purged is not among it.</summary>
    public IReadOnlyList<FakeJob> Jobs
    {
        get { lock (Gate) return [.. _jobs]; }
    }

    /// <summary>Plays the silo: called with each job once it is enqueued, before the caller goes on. Null (the default): jobs wait for the test.</summary>
    public Action<FakeJob>? OnEnqueued { get; set; }

    /// <summary>The silos that <see cref="GetInfoAsync"/> shows. Default one.</summary>
    public IReadOnlyList<string> Silos { get; set; } = ["fake"];

    /// <summary>open, paused or draining; for the service to look at, nothing stops.</summary>
    public string State { get; private set; } = "open";

    /// <inheritdoc/>
    public IDeadLetters DeadLetters { get; }

    /// <inheritdoc/>
    public ISessions Sessions { get; }

    internal TimeProvider Clock { get; }

    /// <summary>Held by each step of the queue and of its jobs.</summary>
    internal Lock Gate { get; } = new();

    internal ClientQueueOptions Settings => _options.Queues.TryGetValue(Name, out var own) ? own : _options.Defaults;

    /// <summary>The only job of the queue.</summary>
    /// <exception cref="InvalidOperationException">There is none, or there are several.</exception>
    public FakeJob Single() => Jobs is [var only] ? only : throw new InvalidOperationException($"The queue '{Name}' has {Jobs.Count} jobs; one was expected.");

    /// <inheritdoc/>
    [RequiresUnreferencedCode(Reflection.Message), RequiresDynamicCode(Reflection.Message)]
    public Task<JobHandle> EnqueueAsync<T>(T payload, EnqueueOptions? options = null, CancellationToken cancellationToken = default) =>
        EnqueueRawAsync(JsonSerializer.SerializeToUtf8Bytes(payload, _options.Json ?? JsonSerializerOptions.Web), options, cancellationToken);

    /// <inheritdoc/>
    public Task<JobHandle> EnqueueAsync<T>(T payload, JsonTypeInfo<T> type, EnqueueOptions? options = null, CancellationToken cancellationToken = default) =>
        EnqueueRawAsync(JsonSerializer.SerializeToUtf8Bytes(payload, type), options, cancellationToken);

    /// <inheritdoc/>
    public async Task<JobHandle> EnqueueRawAsync(ReadOnlyMemory<byte> payload, EnqueueOptions? options = null, CancellationToken cancellationToken = default)
    {
        var job = JobComposer.Compose(payload, options, Settings, _options.GenerateIds, index: null);
        var handle = (await AddAsync([job], cancellationToken).ConfigureAwait(false))[0];
        return handle.Outcome == EnqueueOutcome.Conflict ? throw new JobConflictException(Name, handle.Id) : handle;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<JobHandle>> EnqueueManyAsync(IReadOnlyList<EnqueueRequest> jobs, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(jobs);
        if (jobs.Count > IQueueClient.MaxBatch) throw new ArgumentException($"There are {jobs.Count} jobs; one call takes at most {IQueueClient.MaxBatch}.", nameof(jobs));
        var composed = jobs.Select((j, i) => JobComposer.Compose(j.Payload, j.Options, Settings, _options.GenerateIds, i)).ToArray();
        return await AddAsync(composed, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task<Job?> GetAsync(string id, CancellationToken cancellationToken = default)
    {
        Reach(cancellationToken);
        return Task.FromResult(Find(id)?.Job);
    }

    /// <inheritdoc/>
    public Task<JobList> ListAsync(JobState? state = null, string? cursor = null, int limit = 100, CancellationToken cancellationToken = default)
    {
        Reach(cancellationToken);
        var (page, next) = FakePage.Of(Jobs.Where(j => state is null || j.Job.State == state).Reverse().Select(j => j.Job), cursor, limit);
        return Task.FromResult(new JobList(page, next));
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<JobEvent> WatchAsync(string id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Reach(cancellationToken);
        var job = Find(id) ?? throw new JobNotFoundException(Name, id);

        // As long as what the test makes happen; a real watcher keeps only what is newest.
        var events = Channel.CreateUnbounded<JobEvent>();
        using var listening = job.Listen(happened => events.Writer.TryWrite(happened));
        await foreach (var happened in events.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return happened;
            if (happened.Job.IsFinished) yield break;
        }
    }

    /// <inheritdoc/>
    public async Task<Job> WaitAsync(string id, CancellationToken cancellationToken = default)
    {
        await foreach (var happened in WatchAsync(id, cancellationToken).ConfigureAwait(false))
        {
            if (happened.Job.IsFinished) return happened.Job;
        }

        throw new OperationCanceledException(cancellationToken);
    }

    /// <inheritdoc/>
    public Task<CancelOutcome> CancelAsync(string id, string? reason = null, CancellationToken cancellationToken = default)
    {
        JobComposer.CheckId(id);
        Reach(cancellationToken);
        if (Find(id) is { } job) return Task.FromResult(job.Cancel(reason));
        lock (Gate) _cancelledAhead[id] = reason ?? string.Empty;
        return Task.FromResult(CancelOutcome.Remembered);
    }

    /// <inheritdoc/>
    public Task<RequeueOutcome> RetryAsync(string id, CancellationToken cancellationToken = default)
    {
        Reach(cancellationToken);
        return Task.FromResult(Find(id)?.Requeue(null) ?? RequeueOutcome.Unknown);
    }

    /// <inheritdoc/>
    public Task<QueueInfo> GetInfoAsync(CancellationToken cancellationToken = default)
    {
        Reach(cancellationToken);
        var jobs = Jobs.Select(j => j.Job).ToList();
        long Count(params JobState[] states) => jobs.Count(j => states.Contains(j.State));
        var oldest = jobs.Where(j => j.State == JobState.Queued).Select(j => (DateTimeOffset?)j.EnqueuedAt).Min();
        return Task.FromResult(new QueueInfo
        {
            Name = Name,
            State = State,
            Counts = new JobCounts(
                Count(JobState.Queued), Count(JobState.Scheduled), Count(JobState.Deferred), Count(JobState.Running), Count(JobState.Retrying),
                Count(JobState.Dead), Count(JobState.Completed, JobState.Cancelled)),
            Totals = new Dictionary<string, long> { ["enqueued"] = Interlocked.Read(ref _seq) },
            OldestReadyAt = oldest,
            OldestReadySeconds = oldest is { } at ? (Clock.GetUtcNow() - at).TotalSeconds : null,
            Silos = Silos,
            Lists = [],
        });
    }

    /// <inheritdoc/>
    public Task PauseAsync(CancellationToken cancellationToken = default) => SetStateAsync("paused", cancellationToken);

    /// <inheritdoc/>
    public Task ResumeAsync(CancellationToken cancellationToken = default) => SetStateAsync("open", cancellationToken);

    /// <inheritdoc/>
    public Task DrainAsync(CancellationToken cancellationToken = default) => SetStateAsync("draining", cancellationToken);

    internal void Reach(CancellationToken cancellationToken) => _reach(cancellationToken);

    internal FakeJob? Find(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        lock (Gate) return _jobs.Find(j => j.Id == id);
    }

    internal bool Remove(FakeJob job)
    {
        lock (Gate) return _jobs.Remove(job);
    }

    /// <summary>Whether all of these jobs have completed.</summary>
    internal bool AreComplete(IEnumerable<string> ids) => ids.All(id => Find(id)?.Job.State == JobState.Completed);

    /// <summary>Moves the jobs on that waited for one that has its outcome.</summary>
    internal void Ended(FakeJob job)
    {
        foreach (var waiting in Jobs.Where(j => j.Job.State == JobState.Deferred && j.DependsOn.Contains(job.Id))) waiting.ParentEnded(job.Job);
    }

    private Task SetStateAsync(string state, CancellationToken cancellationToken)
    {
        Reach(cancellationToken);
        State = state;
        return Task.CompletedTask;
    }

    private Task<IReadOnlyList<JobHandle>> AddAsync(ComposedJob[] jobs, CancellationToken cancellationToken)
    {
        try
        {
            Reach(cancellationToken);
        }
        catch (RedisException e)
        {
            throw new EnqueueFailedException($"{jobs.Length} jobs did not reach the queue '{Name}': {e.Message}", [], e.MayHaveExecuted ? jobs.Length : 0, e);
        }

        var handles = new List<JobHandle>(jobs.Length);
        var added = new List<FakeJob>();
        lock (Gate)
        {
            if (Settings.MaxReady > 0 && _jobs.Count(j => j.Job.State == JobState.Queued) + jobs.Length > Settings.MaxReady) throw QueueFullException.Ready(Name, Settings.MaxReady, []);
            foreach (var job in jobs) handles.Add(Add(job, added));
        }

        foreach (var job in added)
        {
            if (!job.Job.IsFinished) OnEnqueued?.Invoke(job);
        }

        return Task.FromResult<IReadOnlyList<JobHandle>>(handles);
    }

    private JobHandle Add(ComposedJob composed, List<FakeJob> added)
    {
        var id = composed.Job.Header.Id ?? $"fake-{_seq + 1}";
        if (_jobs.Find(j => j.Id == id) is { } known)
        {
            return new JobHandle(this, id, known.Fingerprint == composed.Job.Fingerprint ? EnqueueOutcome.Existing : EnqueueOutcome.Conflict);
        }

        _seq++;
        var job = new FakeJob(this, id, composed.Job);
        _jobs.Add(job);
        added.Add(job);
        if (!_cancelledAhead.Remove(id, out var reason)) return new JobHandle(this, id, EnqueueOutcome.Created);
        job.Cancel(reason);
        return new JobHandle(this, id, EnqueueOutcome.Cancelled);
    }
}
