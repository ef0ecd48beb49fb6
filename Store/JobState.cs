namespace Gristmill.Store;

/// <summary>The states of a job, in the order in which it meets them.</summary>
public enum JobState
{
    /// <summary>Admitted, and not before its time.</summary>
    Scheduled,

    /// <summary>Admitted, and waits for other jobs.</summary>
    Deferred,

    /// <summary>Admitted and ready to start.</summary>
    Queued,

    /// <summary>Started by a silo that holds its lease.</summary>
    Running,

    /// <summary>Failed, and will start again after a delay.</summary>
    Retrying,

    /// <summary>Ended with a result.</summary>
    Completed,

    /// <summary>Ended as a dead letter.</summary>
    Dead,

    /// <summary>Ended because somebody asked for it.</summary>
    Cancelled,
}

/// <summary>
/// The one state machine of jobs: which states there are, what they are called, and which step leads from one to
/// another. The scripts make the steps; docs/states.md shows them as a table, and a test compares the two.
/// </summary>
public static class JobStates
{
    private static readonly Dictionary<JobState, JobState[]> Steps = new()
    {
        [JobState.Scheduled] = [JobState.Queued, JobState.Cancelled],
        [JobState.Deferred] = [JobState.Queued, JobState.Scheduled, JobState.Dead, JobState.Cancelled],
        [JobState.Queued] = [JobState.Running, JobState.Cancelled],
        [JobState.Running] =
        [
            JobState.Completed, JobState.Retrying, JobState.Dead, JobState.Cancelled, JobState.Queued,
            JobState.Scheduled, JobState.Deferred,
        ],
        [JobState.Retrying] = [JobState.Queued, JobState.Cancelled],
        [JobState.Completed] = [JobState.Queued],
        [JobState.Dead] = [JobState.Queued],
        [JobState.Cancelled] = [JobState.Queued],
    };

    /// <summary>Whether a job may go from one state to the other in one step.</summary>
    public static bool CanFollow(JobState from, JobState to) => Array.IndexOf(Steps[from], to) >= 0;

    /// <summary>The states that may follow this one.</summary>
    public static IReadOnlyList<JobState> After(JobState state) => Steps[state];

    /// <summary>Whether a job in this state has its outcome; only a person's retry or requeue gives it another life.</summary>
    public static bool IsFinal(JobState state) => state is JobState.Completed or JobState.Dead or JobState.Cancelled;

    /// <summary>The state's name in JSON, events and commands: lower case.</summary>
    public static string Name(JobState state) => state switch
    {
        JobState.Scheduled => "scheduled",
        JobState.Deferred => "deferred",
        JobState.Queued => "queued",
        JobState.Running => "running",
        JobState.Retrying => "retrying",
        JobState.Completed => "completed",
        JobState.Dead => "dead",
        JobState.Cancelled => "cancelled",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "There is no such state."),
    };

    /// <summary>The state of that name; false when there is none.</summary>
    public static bool TryParse(string? name, out JobState state)
    {
        foreach (var candidate in Enum.GetValues<JobState>())
        {
            if (Name(candidate) == name)
            {
                state = candidate;
                return true;
            }
        }

        state = default;
        return false;
    }
}
