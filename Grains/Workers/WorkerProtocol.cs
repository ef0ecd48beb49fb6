namespace Gristmill.Grains.Workers;

/// <summary>What both ends of a worker's pipes agree on; docs/worker-protocol.md is its description.</summary>
internal static class WorkerProtocol
{
    /// <summary>Rises when a worker written for the older version would misunderstand a message.</summary>
    public const int Version = 1;

    /// <summary>So many lines in a row that are no messages mean that stdout is not the protocol's.</summary>
    public const int MaxGarbageInARow = 100;

    /// <summary>Payloads nested deeper are sent as base64, since few JSON readers go further.</summary>
    public const int MaxPayloadDepth = 128;

    /// <summary>Results nested deeper are refused.</summary>
    public const int MaxResultDepth = Store.JobRecord.MaxResultDepth;

    /// <summary>Texts of log lines and progress are cut to this.</summary>
    public const int MaxTextChars = 4 * 1024;
}
