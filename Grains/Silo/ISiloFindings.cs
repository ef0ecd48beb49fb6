using Gristmill.Store;

namespace Gristmill.Grains.Silo;

/// <summary>What this silo finds wrong with itself, for its record, in which the others and the commands read it.</summary>
internal interface ISiloFindings
{
    /// <summary>The findings, the worst first, no more and no longer than a record may hold.</summary>
    IReadOnlyList<SiloFindingRecord> OwnRecords { get; }
}
