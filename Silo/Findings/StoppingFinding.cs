using Gristmill.Grains.Silo;

namespace Gristmill.Silo.Findings;

/// <summary>A silo that was told to drain or to stop takes nothing more, and says so while its running jobs end.</summary>
internal sealed class StoppingFinding(SiloLife life) : IOwnFindings
{
    private static readonly IReadOnlyList<Finding> Stopping =
        [new Finding("stopping", Finding.Error, null, "The silo is stopping: it starts no more jobs, and those that run may end.", "Send requests to another silo; what is left starts on another one, or when this one starts again.")];

    private static readonly IReadOnlyList<Finding> Draining =
        [new Finding("draining", Finding.Error, null, "The silo was asked to drain: it starts no more jobs, and ends when those that run have ended.", "Send requests to another silo.")];

    public IReadOnlyList<Finding> Current => life.State switch { "stopping" => Stopping, "draining" => Draining, _ => [] };
}
