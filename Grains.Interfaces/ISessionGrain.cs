namespace Gristmill.Grains;

/// <summary>
/// Brings one session to its end. Key: queue/session. Activated when all jobs of the session have ended; until then the
/// session is its record in the store, and costs nothing but that.
/// </summary>
[Alias("gristmill.Session")]
public interface ISessionGrain : IGrainWithStringKey
{
    /// <summary>Enqueues the finalising job with the ordered results, and closes the session. Safe to call again.</summary>
    [Alias("Finish"), OneWay]
    Task FinishAsync();
}
