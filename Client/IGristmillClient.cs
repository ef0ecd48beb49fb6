namespace Gristmill.Client;

/// <summary>
/// The queues of a cluster, from a service that enqueues and follows jobs. Works on the job store in Redis alone: no silo
/// needs to be up. Safe for use from any thread; one for a process is enough.
/// </summary>
public interface IGristmillClient : IAsyncDisposable
{
    /// <summary>The service id.</summary>
    string Service { get; }

    /// <summary>A queue by name. Asks nothing of Redis; the queue need not exist yet.</summary>
    /// <param name="name">Letters, digits, '.', '_', ':', '-', 1 to 128 of them.</param>
    /// <exception cref="ArgumentException">No queue can have this name.</exception>
    IQueueClient Queue(string name);

    /// <summary>The names of the queues that silos of the service serve or have served, in order.</summary>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="Redis.RedisException">Redis failed.</exception>
    Task<IReadOnlyList<string>> ListQueuesAsync(CancellationToken cancellationToken = default);

    /// <summary>The silos of the service, by name; those that were lost within the last hour too.</summary>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="Redis.RedisException">Redis failed.</exception>
    Task<IReadOnlyList<SiloInfo>> ListSilosAsync(CancellationToken cancellationToken = default);

    /// <summary>Asks a silo to take nothing more, to finish what it runs, and to end. It hears it within about a second.</summary>
    /// <param name="id">The silo's id.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="Redis.RedisException">Redis failed.</exception>
    Task DrainSiloAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>Asks Redis whether it is there.</summary>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <exception cref="Redis.RedisException">It is not.</exception>
    Task PingAsync(CancellationToken cancellationToken = default);

    /// <summary>The address of the Redis, without secrets.</summary>
    string Describe();
}
