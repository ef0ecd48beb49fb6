using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Client;

// Enqueueing: check all jobs, cut them into pieces, send one after the other.
internal sealed partial class QueueClient
{
    private static readonly TimeSpan AnnouncePeriod = TimeSpan.FromSeconds(30);

    private long _announcedAt;

    [RequiresUnreferencedCode(Reflection.Message), RequiresDynamicCode(Reflection.Message)]
    public Task<JobHandle> EnqueueAsync<T>(T payload, EnqueueOptions? options = null, CancellationToken cancellationToken = default) =>
        EnqueueRawAsync(JsonSerializer.SerializeToUtf8Bytes(payload, _context.Options.Json ?? JsonSerializerOptions.Web), options, cancellationToken);

    public Task<JobHandle> EnqueueAsync<T>(T payload, JsonTypeInfo<T> type, EnqueueOptions? options = null, CancellationToken cancellationToken = default) =>
        EnqueueRawAsync(JsonSerializer.SerializeToUtf8Bytes(payload, type), options, cancellationToken);

    public async Task<JobHandle> EnqueueRawAsync(ReadOnlyMemory<byte> payload, EnqueueOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var span = ProducerSpan.Start(Name, batch: null);
        try
        {
            var handles = new List<JobHandle>(1);
            var settings = await SettingsAsync(1, cancellationToken).ConfigureAwait(false);
            var job = JobComposer.Compose(payload, options, settings, _context.Options.GenerateIds, index: null);
            await SendAsync([job], settings, handles, cancellationToken).ConfigureAwait(false);
            var handle = handles[0];
            span.Sent(handle.Id);
            return handle.Outcome == EnqueueOutcome.Conflict ? throw new JobConflictException(Name, handle.Id) : handle;
        }
        catch (Exception error)
        {
            span.Failed(error);
            throw;
        }
    }

    public async Task<IReadOnlyList<JobHandle>> EnqueueManyAsync(IReadOnlyList<EnqueueRequest> jobs, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(jobs);
        if (jobs.Count > IQueueClient.MaxBatch)
        {
            throw new ArgumentException($"There are {jobs.Count} jobs; one call takes at most {IQueueClient.MaxBatch}.", nameof(jobs));
        }

        if (jobs.Count == 0) return [];
        using var span = ProducerSpan.Start(Name, jobs.Count);
        try
        {
            var settings = await SettingsAsync(jobs.Count, cancellationToken).ConfigureAwait(false);
            var composed = new ComposedJob[jobs.Count];
            for (var i = 0; i < jobs.Count; i++)
            {
                composed[i] = JobComposer.Compose(jobs[i].Payload, jobs[i].Options, settings, _context.Options.GenerateIds, i);
            }

            var handles = new List<JobHandle>(jobs.Count);
            foreach (var piece in EnqueuePieces.Of(composed)) await SendAsync(piece, settings, handles, cancellationToken).ConfigureAwait(false);
            return handles;
        }
        catch (Exception error)
        {
            span.Failed(error);
            throw;
        }
    }

    private async ValueTask<ClientQueueOptions> SettingsAsync(int jobs, CancellationToken cancellationToken)
    {
        try
        {
            return await _settings.GetAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (RedisException e)
        {
            throw new EnqueueFailedException($"{Jobs(jobs)} did not reach the queue '{Name}': {e.Message}", [], 0, e);
        }
    }

    private async Task SendAsync(IReadOnlyList<ComposedJob> piece, ClientQueueOptions settings, List<JobHandle> handles, CancellationToken cancellationToken)
    {
        var repeatable = piece.All(j => j.Job.Header.Id is not null);
        var jobs = piece.Select(j => j.Job).ToArray();
        EnqueueReply reply;
        try
        {
            reply = await _retry.RunAsync(
                token => _store.EnqueueAsync(jobs, _context.NewEpoch(), settings.IdWindow, settings.MaxReady, settings.MaxWaiting, token),
                repeatable,
                cancellationToken).ConfigureAwait(false);
        }
        catch (RedisException e)
        {
            throw Failed(e, handles, piece.Count, hasIds: repeatable);
        }

        await AnnounceAsync(cancellationToken).ConfigureAwait(false);
        if (reply.Status == StoreStatus.NoRoom) throw QueueFullException.Ready(Name, settings.MaxReady, handles);
        if (reply.Status == StoreStatus.WaitingFull) throw QueueFullException.Waiting(Name, settings.MaxWaiting, handles);
        for (var i = 0; i < piece.Count; i++)
        {
            var result = reply.Results[i];
            var id = jobs[i].Header.Id ?? JobRecord.OwnId(reply.Epoch, result.Seq);
            var outcome = Outcome(result.Verdict);
            if (piece[i].IdIsGenerated && outcome == EnqueueOutcome.Existing) outcome = EnqueueOutcome.Created;
            handles.Add(new JobHandle(this, id, outcome) { Made = result.Verdict == AdmitVerdict.Admitted ? Made(jobs[i], id, result.Seq, reply.Now) : null });
        }
    }

    /// <summary>The job of a handle: as it was made, which is cheap, or as it is.</summary>
    internal async Task<Job?> DescribeAsync(JobHandle handle, CancellationToken cancellationToken) =>
        handle.Made is { } made ? JobMapper.Map(made, await _conditions.OfAsync([made], cancellationToken).ConfigureAwait(false)) : await GetAsync(handle.Id, cancellationToken).ConfigureAwait(false);

    // One that waits for a time, for other jobs or for its session has a place that only the store knows.
    private JobView? Made(NewJob job, string id, long seq, long now)
    {
        if (job.Header.Due > 0 || job.Header.DependsOn.Count > 0 || job.Header.SessionId is not null) return null;
        job.Header.EnqueuedAt = now;
        return new JobView { Id = id, Queue = Name, Seq = seq, State = JobState.Queued, Header = job.Header, Payload = job.Payload };
    }

    // A queue that no silo has served is in no list of queues, unless its clients say that there is one.
    private async ValueTask AnnounceAsync(CancellationToken cancellationToken)
    {
        var announcedAt = Volatile.Read(ref _announcedAt);
        if (announcedAt != 0 && _context.Clock.GetElapsedTime(announcedAt) < AnnouncePeriod) return;
        try
        {
            await _context.Redis.ExecuteAsync(new RedisCommand("SADD", RedisKeys.Queues(_context.Options.Service), Name), cancellationToken).ConfigureAwait(false);
            Volatile.Write(ref _announcedAt, _context.Clock.GetTimestamp());
        }
        catch (Exception error) when (error is RedisException or OperationCanceledException)
        {
            // The jobs are enqueued, and that is what was asked for; the next call announces.
        }
    }

    private static EnqueueOutcome Outcome(AdmitVerdict verdict) => verdict switch
    {
        AdmitVerdict.Duplicate => EnqueueOutcome.Existing,
        AdmitVerdict.Conflict => EnqueueOutcome.Conflict,
        AdmitVerdict.Cancelled => EnqueueOutcome.Cancelled,
        _ => EnqueueOutcome.Created,
    };

    private EnqueueFailedException Failed(RedisException e, List<JobHandle> handles, int count, bool hasIds)
    {
        var before = handles.Count == 0 ? string.Empty : $" {handles.Count} {(handles.Count == 1 ? "job was" : "jobs were")} enqueued before.";
        var advice = hasIds ? string.Empty : " Give jobs an id, so that enqueueing them again is safe.";
        var message = e.MayHaveExecuted
            ? $"It is not known whether {(count == 1 ? "the job" : Jobs(count))} reached the queue '{Name}': {e.Message}{before}{advice}"
            : $"{Jobs(count)} did not reach the queue '{Name}': {e.Message}{before}";
        return new EnqueueFailedException(message, handles, e.MayHaveExecuted ? count : 0, e);
    }

    private static string Jobs(int count) => count == 1 ? "The job" : $"{count} jobs";
}
