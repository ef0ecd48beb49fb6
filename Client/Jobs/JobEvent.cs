using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>What a watched job tells.</summary>
public enum JobEventKind
{
    /// <summary>It is in another state than before, or in the same one of another attempt.</summary>
    State,

    /// <summary>It is further than before.</summary>
    Progress,
}

/// <summary>One thing that happened to a watched job.</summary>
/// <param name="Kind">State or progress.</param>
/// <param name="Job">The job as it stands with this.</param>
public sealed record JobEvent(JobEventKind Kind, Job Job)
{
    /// <summary>The state.</summary>
    public JobState State => Job.State;

    /// <summary>How far it is; null when the handler has not said.</summary>
    public JobProgress? Progress => Job.Progress;
}

/// <summary>What became of a wish to cancel.</summary>
public enum CancelOutcome
{
    /// <summary>It waited, and is cancelled.</summary>
    Cancelled,

    /// <summary>It runs; its silo was told, and will end it.</summary>
    Requested,

    /// <summary>Too late: it has its outcome.</summary>
    Ended,

    /// <summary>No job has this id yet; it will be cancelled when it comes.</summary>
    Remembered,

    /// <summary>An id of the store's own that it does not have any more.</summary>
    Unknown,
}

/// <summary>What became of a wish to run an ended job again.</summary>
public enum RequeueOutcome
{
    /// <summary>It is ready again, with fresh budgets.</summary>
    Requeued,

    /// <summary>It has not ended: it waits or runs.</summary>
    Live,

    /// <summary>There is no such job.</summary>
    Unknown,
}
