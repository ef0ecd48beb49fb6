namespace Gristmill.Grains;

/// <summary>Keeps the failed jobs of one queue. Key: queue. Also sends what waits in the queue's outbox to foreign lists.</summary>
[Alias("gristmill.DeadLetters")]
public interface IDeadLetterGrain : IGrainWithStringKey
{
    /// <summary>A page of dead letters, newest first.</summary>
    /// <param name="cursor">From the page before; null for the first.</param>
    /// <param name="limit">1 to 1,000.</param>
    [Alias("List")]
    Task<DeadLetterPage> ListAsync(string? cursor, int limit);

    /// <summary>Gives a dead letter another life with fresh budgets.</summary>
    /// <param name="id">The job's id.</param>
    /// <returns>Whether there was such a dead letter.</returns>
    [Alias("Requeue")]
    Task<bool> RequeueAsync(string id);

    /// <summary>Forgets a dead letter for good.</summary>
    /// <param name="id">The job's id.</param>
    /// <returns>Whether there was such a dead letter.</returns>
    [Alias("Purge")]
    Task<bool> PurgeAsync(string id);

    /// <summary>Sends what waits in the outbox. Called by bridges when they have put something there, and from time to time.</summary>
    [Alias("Send"), OneWay]
    Task SendOutboxAsync();
}

/// <summary>A page of dead letters.</summary>
/// <param name="Letters">The letters, newest first.</param>
/// <param name="Cursor">Where the next page begins; null when there is none.</param>
[GenerateSerializer, Immutable, Alias("gristmill.DeadLetterPage")]
public sealed record DeadLetterPage([property: Id(0)] IReadOnlyList<DeadLetter> Letters, [property: Id(1)] string? Cursor);

/// <summary>A failed job.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Reason">Why it failed, a word.</param>
/// <param name="Message">The last error, for people.</param>
/// <param name="FailedAt">When.</param>
/// <param name="Attempts">Attempts that were charged.</param>
/// <param name="Payload">The raw bytes as pushed.</param>
[GenerateSerializer, Immutable, Alias("gristmill.DeadLetter")]
public sealed record DeadLetter(
    [property: Id(0)] string Id,
    [property: Id(1)] string Reason,
    [property: Id(2)] string Message,
    [property: Id(3)] DateTimeOffset FailedAt,
    [property: Id(4)] int Attempts,
    [property: Id(5)] ReadOnlyMemory<byte> Payload);
