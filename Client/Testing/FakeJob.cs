using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Gristmill.Store;

namespace Gristmill.Client.Testing;

/// <summary>
/// A job that a service enqueued, in the hands of the test: what it asks for, and every step that a silo could make of it. A step of a
/// job that has its outcome already is an <see cref="InvalidOperationException"/>.
/// </summary>
public sealed class FakeJob
{
    private readonly FakeQueue _queue;
    private readonly JobHeader _header;
    private readonly List<Action<JobEvent>> _listeners = [];
    private Job _job;

    internal FakeJob(FakeQueue queue, string id, NewJob sent)
    {
        (_queue, _header, Id, Fingerprint) = (queue, sent.Header, id, sent.Fingerprint);
        _job = new Job
        {
            Id = id,
            Queue = queue.Name,
            State = JobState.Queued,
            MaxAttempts = _header.MaxRetries + 1,
            SessionId = _header.SessionId,
            Priority = _header.Priority,
            EnqueuedAt = queue.Clock.GetUtcNow(),
            Payload = sent.Payload.ToArray(),
        };
        _job = Waiting(_job);
    }

    /// <summary>The id.</summary>
    public string Id { get; }

    /// <summary>The job as the service sees it now.</summary>
    public Job Job
    {
        get { lock (_queue.Gate) return _job; }
    }

    /// <summary>The payload, byte by byte.</summary>
    public ReadOnlyMemory<byte> Payload => Job.Payload;

    /// <summary>The session that it belongs to, and its place in that.</summary>
    public (string? Id, int? Sequence, int? Total, bool IsLast) Session => (_header.SessionId, _header.Sequence, _header.SessionTotal, _header.SessionEnd);

    /// <summary>The time limit of one attempt; null where the queue's holds.</summary>
    public TimeSpan? Timeout => _header.Timeout is { } ms ? TimeSpan.FromMilliseconds(ms) : null;

    /// <summary>Not before this time; null for at once.</summary>
    public DateTimeOffset? RunAt => _header.Due > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(_header.Due) : null;

    /// <summary>The ids of jobs that must complete first.</summary>
    public IReadOnlyList<string> DependsOn => _header.DependsOn;

    /// <summary>The list that gets the outcome.</summary>
    public string? ReplyTo => _header.ReplyTo;

    /// <summary>The trace context that goes with it.</summary>
    public string? TraceParent => _header.TraceParent;

    internal string Fingerprint { get; }

    /// <summary>The payload, read.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="type">How to read it.</param>
    public T? ReadPayload<T>(JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Payload.Span, type);

    /// <summary>The payload, read as <see cref="JsonSerializerOptions.Web"/> says.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    [RequiresUnreferencedCode(Reflection.Message), RequiresDynamicCode(Reflection.Message)]
    public T? ReadPayload<T>() => JsonSerializer.Deserialize<T>(Payload.Span, JsonSerializerOptions.Web);

    /// <summary>A silo starts an attempt, whatever the job waits for.</summary>
    public void Start() => Step(Started);

    /// <summary>The handler reports progress; starts the job where it has not started.</summary>
    /// <param name="done">Units done.</param>
    /// <param name="total">Units in all; 0 when unknown.</param>
    /// <param name="message">For people.</param>
    public void Progress(long done, long total, string? message = null)
    {
        if (Job.State != JobState.Running) Start();
        Step(job => job with { Progress = new JobProgress(done, total, message) }, JobEventKind.Progress);
    }

    /// <summary>The job completes without a result.</summary>
    public void Complete() => CompleteRaw(default);

    /// <summary>The job completes with a result.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="result">The result.</param>
    /// <param name="type">How to write it.</param>
    public void Complete<T>(T result, JsonTypeInfo<T> type) => CompleteRaw(JsonSerializer.SerializeToUtf8Bytes(result, type));

    /// <summary>The job completes with a result, written as <see cref="JsonSerializerOptions.Web"/> says.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="result">The result.</param>
    [RequiresUnreferencedCode(Reflection.Message), RequiresDynamicCode(Reflection.Message)]
    public void Complete<T>(T result) => CompleteRaw(JsonSerializer.SerializeToUtf8Bytes(result, JsonSerializerOptions.Web));

    /// <summary>The job completes with a result as it stands.</summary>
    /// <param name="result">JSON; empty for none.</param>
    public void CompleteRaw(ReadOnlyMemory<byte> result) => End(JobState.Completed, job => job with { Result = JobMapper.Json(result) });

    /// <summary>The attempt fails, and the job waits for the next one: call <see cref="Start"/>.</summary>
    /// <param name="message">What went wrong.</param>
    /// <param name="delay">How long it says that it waits.</param>
    public void RetryLater(string message, TimeSpan delay = default) => Step(job =>
    {
        job = Failed(Running(job), "error", message);
        return job with { State = JobState.Retrying, WaitingFor = new JobWait("time", _queue.Clock.GetUtcNow() + delay) };
    });

    /// <summary>The job becomes a dead letter.</summary>
    /// <param name="reason">Why: one of <see cref="DeadReasons.All"/>.</param>
    /// <param name="message">What went wrong.</param>
    public void Die(string reason = "fatal", string message = "It did not work.")
    {
        if (!DeadReasons.All.Contains(reason)) throw new ArgumentException($"'{reason}' is no reason for a job to be dead; there are {string.Join(", ", DeadReasons.All)}.", nameof(reason));
        End(JobState.Dead, job => Failed(job, reason, message) with { Reason = reason });
    }

    /// <summary>The silo ends a running job that somebody asked to cancel.</summary>
    /// <param name="reason">Why.</param>
    public void EndCancelled(string reason = "requested") => End(JobState.Cancelled, job => job with { Reason = reason });

    internal IDisposable Listen(Action<JobEvent> listener)
    {
        lock (_queue.Gate)
        {
            listener(new JobEvent(JobEventKind.State, _job));
            _listeners.Add(listener);
        }

        return new Listening(this, listener);
    }

    internal CancelOutcome Cancel(string? reason)
    {
        lock (_queue.Gate)
        {
            if (_job.IsFinished) return CancelOutcome.Ended;
            if (_job.State == JobState.Running)
            {
                Set(_job with { CancelRequested = true }, JobEventKind.State);
                return CancelOutcome.Requested;
            }

            Set(Finished(_job, JobState.Cancelled) with { Reason = string.IsNullOrEmpty(reason) ? null : reason }, JobEventKind.State);
        }

        _queue.Ended(this);
        return CancelOutcome.Cancelled;
    }

    internal RequeueOutcome Requeue(ReadOnlyMemory<byte>? payload)
    {
        lock (_queue.Gate)
        {
            if (!_job.IsFinished) return RequeueOutcome.Live;
            Set(
                _job with
                {
                    State = JobState.Queued, Attempt = 0, Reason = null, Result = null, Progress = null, StartedAt = null, FinishedAt = null, CancelRequested = false,
                    Silo = null, WaitingFor = new JobWait("slot"), Payload = payload ?? _job.Payload,
                },
                JobEventKind.State);
            return RequeueOutcome.Requeued;
        }
    }

    internal void ParentEnded(Job parent)
    {
        lock (_queue.Gate)
        {
            if (_job.State != JobState.Deferred) return;
            if (parent.State == JobState.Completed)
            {
                if (_queue.AreComplete(DependsOn)) Set(_job with { State = JobState.Queued, WaitingFor = new JobWait("slot") }, JobEventKind.State);
                return;
            }
        }

        Die("dependency_failed", $"The job {parent.Id} is {JobStates.Name(parent.State)}.");
    }

    private Job Waiting(Job job)
    {
        if (DependsOn.Count > 0 && !_queue.AreComplete(DependsOn)) return job with { State = JobState.Deferred, WaitingFor = new JobWait("jobs", Jobs: DependsOn) };
        return RunAt is { } at && at > _queue.Clock.GetUtcNow()
            ? job with { State = JobState.Scheduled, WaitingFor = new JobWait("time", Until: at) }
            : job with { WaitingFor = new JobWait("slot") };
    }

    private Job Started(Job job) => job with
    {
        State = JobState.Running, Attempt = job.Attempt + 1, StartedAt = _queue.Clock.GetUtcNow(), Silo = _queue.Silos.FirstOrDefault(), WaitingFor = null,
    };

    private Job Running(Job job) => job.State == JobState.Running ? job : Started(job);

    private Job Finished(Job job, JobState outcome) => job with { State = outcome, FinishedAt = _queue.Clock.GetUtcNow(), WaitingFor = null };

    private Job Failed(Job job, string kind, string message) =>
        job with { Errors = [.. job.Errors.TakeLast(JobHeader.MaxErrors - 1), new JobFailure(_queue.Clock.GetUtcNow(), job.Attempt, kind, message)] };

    private void End(JobState outcome, Func<Job, Job> change)
    {
        // What a job waits for is no reason for an attempt: a refused one dies without any.
        Step(job => change(Finished(outcome == JobState.Completed ? Running(job) : job, outcome)));
        _queue.Ended(this);
    }

    private void Step(Func<Job, Job> change, JobEventKind kind = JobEventKind.State)
    {
        lock (_queue.Gate)
        {
            if (_job.IsFinished) throw new InvalidOperationException($"The job {_job.Queue}/{Id} is {JobStates.Name(_job.State)} already.");
            Set(change(_job), kind);
        }
    }

    private void Set(Job job, JobEventKind kind)
    {
        _job = job;
        foreach (var listener in _listeners) listener(new JobEvent(kind, job));
    }

    private sealed class Listening(FakeJob job, Action<JobEvent> listener) : IDisposable
    {
        public void Dispose()
        {
            lock (job._queue.Gate) job._listeners.Remove(listener);
        }
    }
}
