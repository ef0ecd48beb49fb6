namespace Gristmill.Grains;

/// <summary>
/// One job while it is being worked on. Key: queue/id. Most jobs end before anybody could ask and never become an
/// activation; one that runs for longer is activated on the silo that runs it and answers for it.
/// </summary>
[Alias("gristmill.Job")]
public interface IJobGrain : IGrainWithStringKey
{
    /// <summary>Makes the job known where it runs, and gone where it does not any more. Called by the bridge that runs it.</summary>
    [Alias("Attach"), OneWay]
    Task AttachAsync();

    /// <summary>The attempt as it is this moment; null when the job does not run here.</summary>
    [Alias("Get"), AlwaysInterleave]
    Task<RunningJobView?> GetAsync();

    /// <summary>Asks the running attempt to end; the store decides what the outcome is.</summary>
    /// <returns>Whether there was an attempt to ask.</returns>
    [Alias("Cancel"), AlwaysInterleave]
    Task<bool> CancelAsync();
}

/// <summary>A running attempt as its silo sees it.</summary>
/// <param name="Id">The job.</param>
/// <param name="Attempt">Which attempt, from 1.</param>
/// <param name="StartedAt">When it started.</param>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all; 0 when unknown.</param>
/// <param name="Message">What is being done.</param>
/// <param name="Silo">The silo that runs it.</param>
[GenerateSerializer, Immutable, Alias("gristmill.RunningJobView")]
public sealed record RunningJobView(
    [property: Id(0)] string Id,
    [property: Id(1)] int Attempt,
    [property: Id(2)] DateTimeOffset StartedAt,
    [property: Id(3)] long Done,
    [property: Id(4)] long Total,
    [property: Id(5)] string? Message,
    [property: Id(6)] string Silo);
