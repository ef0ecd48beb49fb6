using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization.Metadata;
using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>
/// One queue. Reads, and calls that can be repeated safely, are made again after failures of Redis that pass; other failures
/// are <see cref="Redis.RedisException"/>s, and a <see cref="WrongTypeException"/> says that a key is not Gristmill's.
/// </summary>
public interface IQueueClient
{
    /// <summary>The most jobs that one call enqueues.</summary>
    const int MaxBatch = 10_000;

    /// <summary>The queue's name.</summary>
    string Name { get; }

    /// <summary>The queue's dead letters.</summary>
    IDeadLetters DeadLetters { get; }

    /// <summary>The queue's sessions.</summary>
    ISessions Sessions { get; }

    /// <summary>Enqueues a job.</summary>
    /// <typeparam name="T">The payload's type; as JSON it must be an object, unless the queue takes anything.</typeparam>
    /// <param name="payload">The payload, written with <see cref="GristmillClientOptions.Json"/>.</param>
    /// <param name="options">What it asks for.</param>
    /// <param name="cancellationToken">Stops the wait; the job may have been enqueued.</param>
    /// <exception cref="InvalidJobException">It cannot be a job.</exception>
    /// <exception cref="JobConflictException">The id belongs to a job with another payload.</exception>
    /// <exception cref="QueueFullException">The queue has no room.</exception>
    /// <exception cref="EnqueueFailedException">Redis failed; it says whether the job may have been enqueued.</exception>
    [RequiresUnreferencedCode(Reflection.Message), RequiresDynamicCode(Reflection.Message)]
    Task<JobHandle> EnqueueAsync<T>(T payload, EnqueueOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>As the other overload, with a contract made at compile time.</summary>
    /// <typeparam name="T">The payload's type.</typeparam>
    /// <param name="payload">The payload.</param>
    /// <param name="type">How to write it.</param>
    /// <param name="options">What it asks for.</param>
    /// <param name="cancellationToken">Stops the wait; the job may have been enqueued.</param>
    Task<JobHandle> EnqueueAsync<T>(T payload, JsonTypeInfo<T> type, EnqueueOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Enqueues a job with a payload as it stands, byte by byte. Fails as <c>EnqueueAsync</c> does.</summary>
    /// <param name="payload">JSON in UTF-8, unless the queue takes anything. Not to be changed until the task has ended.</param>
    /// <param name="options">What it asks for.</param>
    /// <param name="cancellationToken">Stops the wait; the job may have been enqueued.</param>
    Task<JobHandle> EnqueueRawAsync(ReadOnlyMemory<byte> payload, EnqueueOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Enqueues many jobs, in order, in pieces of at most 500 jobs and 1 MiB; all are checked before the first is sent.
    /// A conflict of one is its <see cref="JobHandle.Outcome"/> and leaves the others alone.
    /// </summary>
    /// <param name="jobs">At most <see cref="MaxBatch"/>.</param>
    /// <param name="cancellationToken">Stops the wait; some jobs may have been enqueued.</param>
    /// <returns>A handle for each job, in order.</returns>
    /// <exception cref="ArgumentException">There are more than <see cref="MaxBatch"/>.</exception>
    /// <exception cref="InvalidJobException">One cannot be a job; none was enqueued.</exception>
    /// <exception cref="EnqueueFailedException">Redis failed, or the queue is full; it says which were enqueued.</exception>
    Task<IReadOnlyList<JobHandle>> EnqueueManyAsync(IReadOnlyList<EnqueueRequest> jobs, CancellationToken cancellationToken = default);

    /// <summary>The job with this id; null when there is none.</summary>
    /// <param name="id">The id.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    Task<Job?> GetAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>A page of jobs, newest first.</summary>
    /// <param name="state">Only jobs in this state; null for all.</param>
    /// <param name="cursor">From the page before; null for the first.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="FormatException">The cursor is none of this queue's.</exception>
    Task<JobList> ListAsync(JobState? state = null, string? cursor = null, int limit = 100, CancellationToken cancellationToken = default);

    /// <summary>
    /// Follows a job: first its state as it is now, then each change of state and progress, until it has its outcome.
    /// States that pass faster than they can be read are left out; the outcome never is, unless somebody gives the job
    /// another life at that moment. Goes on while Redis is away.
    /// All watchers of one client share one subscription per queue.
    /// </summary>
    /// <param name="id">The id.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="JobNotFoundException">There is no such job, or no longer.</exception>
    /// <exception cref="InvalidOperationException">More than <see cref="GristmillClientOptions.MaxWatchers"/> are watched.</exception>
    IAsyncEnumerable<JobEvent> WatchAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>
    /// Waits until a job has its outcome: completed, dead or cancelled, whichever it is; no outcome is an exception.
    /// </summary>
    /// <param name="id">The id.</param>
    /// <param name="cancellationToken">Ends the wait, not the job.</param>
    /// <exception cref="JobNotFoundException">There is no such job, or no longer.</exception>
    /// <exception cref="InvalidOperationException">More than <see cref="GristmillClientOptions.MaxWatchers"/> are watched.</exception>
    Task<Job> WaitAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>Cancels a job: at once where it waits, by telling its silo where it runs, and ahead where it has not come.</summary>
    /// <param name="id">The id.</param>
    /// <param name="reason">For people, at most 256 characters.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="InvalidJobException">No job can have this id.</exception>
    Task<CancelOutcome> CancelAsync(string id, string? reason = null, CancellationToken cancellationToken = default);

    /// <summary>Gives an ended job another life, with fresh budgets and the same id.</summary>
    /// <param name="id">The id.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    Task<RequeueOutcome> RetryAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>The numbers of the queue.</summary>
    /// <param name="cancellationToken">Stops the wait.</param>
    Task<QueueInfo> GetInfoAsync(CancellationToken cancellationToken = default);

    /// <summary>Stops claiming and starting jobs; what runs goes on.</summary>
    /// <param name="cancellationToken">Stops the wait.</param>
    Task PauseAsync(CancellationToken cancellationToken = default);

    /// <summary>Takes and starts jobs again.</summary>
    /// <param name="cancellationToken">Stops the wait.</param>
    Task ResumeAsync(CancellationToken cancellationToken = default);

    /// <summary>Takes nothing new from the lists, and goes on with what is admitted.</summary>
    /// <param name="cancellationToken">Stops the wait.</param>
    Task DrainAsync(CancellationToken cancellationToken = default);
}
