namespace Gristmill.Silo.Findings;

/// <summary>A silo that was told to stop takes nothing more, and says so while its running jobs end.</summary>
internal sealed class StoppingFinding(IHostApplicationLifetime lifetime) : IFindingsSource
{
    private static readonly IReadOnlyList<Finding> Stopping =
        [new Finding("stopping", Finding.Error, null, "The silo is stopping: it starts no more jobs, and those that run may end.", "Send requests to another silo; what is left starts on another one, or when this one starts again.")];

    public IReadOnlyList<Finding> Current => lifetime.ApplicationStopping.IsCancellationRequested ? Stopping : [];
}
