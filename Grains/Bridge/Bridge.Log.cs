using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>What bridges log; event ids 1000 to 1099, never used for anything else.</summary>
internal static partial class BridgeLog
{
    [LoggerMessage(1000, LogLevel.Information, "Queue {Queue}: lease held as generation {Generation}.")]
    public static partial void LeaseHeld(this ILogger log, string queue, string generation);

    [LoggerMessage(1001, LogLevel.Warning, "Queue {Queue}: the lease of generation {Generation} is gone; {Held} jobs that it held are ended and left to others. Joining anew, as generation {Next}.")]
    public static partial void LeaseLost(this ILogger log, string queue, string generation, int held, string next);

    [LoggerMessage(1002, LogLevel.Warning, "Queue {Queue}: the lease could not be renewed within {Ttl} s: generation {Generation} renewed it {Seconds:0.0} s ago. {Running} running jobs are told to end, and nothing more is claimed.")]
    public static partial void LeaseDeadline(this ILogger log, string queue, string generation, double ttl, double seconds, int running);

    [LoggerMessage(1003, LogLevel.Warning, "Queue {Queue}: renewing the lease failed, and is tried again until it succeeds: {Error} {Advice}")]
    public static partial void RenewFailed(this ILogger log, string queue, string error, string advice);

    [LoggerMessage(1009, LogLevel.Warning, "Queue {Queue}: renewing the lease still fails, after {Attempts} attempts in {Seconds:0} s: {Error}")]
    public static partial void RenewStillFails(this ILogger log, string queue, int attempts, double seconds, string error);

    [LoggerMessage(1016, LogLevel.Warning, "Queue {Queue}: what this silo holds without its knowing could not be given back yet: {Error}")]
    public static partial void StraysKept(this ILogger log, string queue, string error);

    [LoggerMessage(1054, LogLevel.Warning, "Queue {Queue}: the lease could not be given up, and expires by itself: {Error}")]
    public static partial void LeaveFailed(this ILogger log, string queue, string error);

    [LoggerMessage(1004, LogLevel.Warning, "Queue {Queue}: job {Job}, attempt {Attempt}: the store does not say any more that this silo runs it; its result will be dropped.")]
    public static partial void JobLost(this ILogger log, string queue, string job, int attempt);

    [LoggerMessage(1005, LogLevel.Warning, "Queue {Queue}: the store's keys were flushed (epoch {Old} is now {New}). Jobs admitted before are gone; going on with what comes.")]
    public static partial void Flushed(this ILogger log, string queue, string old, string @new);

    [LoggerMessage(1006, LogLevel.Information, "Queue {Queue}: job {Seq} is held in this silo's name without its knowing (a reply was lost); given back.")]
    public static partial void Stray(this ILogger log, string queue, long seq);

    [LoggerMessage(1007, LogLevel.Warning, "Queue {Queue}: a pause of the store; the leases of {Count} silo generations were extended once.")]
    public static partial void LeasesExtended(this ILogger log, string queue, int count);

    [LoggerMessage(1008, LogLevel.Warning, "Queue {Queue}: recovered {Recovered} jobs of lost silos, {Dead} had lost theirs too often (generations {Generations}).")]
    public static partial void Recovered(this ILogger log, string queue, int recovered, int dead, string generations);

    [LoggerMessage(1010, LogLevel.Warning, "Queue {Queue}: work cannot be taken: {Error}")]
    public static partial void TakeFailed(this ILogger log, string queue, string error);

    [LoggerMessage(1011, LogLevel.Error, "Queue {Queue}: {Limit} dead letters are as many as it may have; nothing is claimed until some are requeued or purged.")]
    public static partial void DeadLettersFull(this ILogger log, string queue, int limit);

    [LoggerMessage(1012, LogLevel.Warning, "Queue {Queue}: {Count} items of list {List} are larger than {Most} bytes and are dead letters now.")]
    public static partial void Aside(this ILogger log, string queue, string list, int count, int most);

    [LoggerMessage(1013, LogLevel.Information, "Queue {Queue}: payloads ask for priorities; up to {Window} jobs are admitted ahead, in order of priority.")]
    public static partial void OrdersByPriority(this ILogger log, string queue, int window);

    [LoggerMessage(1014, LogLevel.Debug, "Waiting for list {List} failed: {Error}")]
    public static partial void WaitFailed(this ILogger log, string list, string error);

    [LoggerMessage(1015, LogLevel.Error, "Queue {Queue}: {Limit} jobs wait for their time, for other jobs or for another attempt, as many as may (WaitingLimit); nothing is claimed until some start or are cancelled.")]
    public static partial void WaitingFull(this ILogger log, string queue, int limit);

    [LoggerMessage(1020, LogLevel.Debug, "Queue {Queue}: job {Job} cannot be one ({Reason}): {Message}")]
    public static partial void Refused(this ILogger log, string queue, string job, string reason, string message);

    [LoggerMessage(1021, LogLevel.Warning, "Queue {Queue}: admitting {Count} jobs failed, trying again: {Error}")]
    public static partial void AdmitFailed(this ILogger log, string queue, int count, string error);

    [LoggerMessage(1022, LogLevel.Debug, "Queue {Queue}: job {Job} was pushed again and is there already.")]
    public static partial void Duplicate(this ILogger log, string queue, string job);

    [LoggerMessage(1023, LogLevel.Error, "Queue {Queue}: job {Seq} cannot be read, and is a dead letter: please report this.")]
    public static partial void Unreadable(this ILogger log, string queue, long seq, Exception error);

    [LoggerMessage(1030, LogLevel.Warning, "Queue {Queue}: {Count} outcomes cannot be recorded yet: {Error}")]
    public static partial void RecordFailed(this ILogger log, string queue, int count, string error);

    [LoggerMessage(1031, LogLevel.Information, "Queue {Queue}: outcomes are recorded again.")]
    public static partial void RecordedAgain(this ILogger log, string queue);

    [LoggerMessage(1032, LogLevel.Warning, "Queue {Queue}: job {Job}, attempt {Attempt}: the outcome was refused, since the lease was lost; another attempt counts.")]
    public static partial void RefusedResult(this ILogger log, string queue, string job, int attempt);

    [LoggerMessage(1033, LogLevel.Warning, "Queue {Queue}: job {Job}, attempt {Attempt}: came back ({Result}) after its lease was lost; dropped.")]
    public static partial void LateResult(this ILogger log, string queue, string job, int attempt, string result);

    [LoggerMessage(1034, LogLevel.Warning, "Queue {Queue}: job {Job} is a dead letter after attempt {Attempt} ({Reason}): {Error}")]
    public static partial void Buried(this ILogger log, string queue, string job, int attempt, string reason, string error);

    [LoggerMessage(1037, LogLevel.Warning, "Queue {Queue}: job {Job} was refused before any attempt and is a dead letter ({Reason}): {Error}")]
    public static partial void BuriedUntried(this ILogger log, string queue, string job, string reason, string error);

    [LoggerMessage(1035, LogLevel.Information, "Queue {Queue}: job {Job} was cancelled in attempt {Attempt}.")]
    public static partial void Cancelled(this ILogger log, string queue, string job, int attempt);

    [LoggerMessage(1036, LogLevel.Information, "Queue {Queue}: job {Job}: attempt {Attempt} failed, next in {Delay:0.0} s: {Error}")]
    public static partial void Retrying(this ILogger log, string queue, string job, int attempt, double delay, string error);

    [LoggerMessage(1040, LogLevel.Warning, "Queue {Queue}: job {Job}, attempt {Attempt} is over its time limit and is told to end.")]
    public static partial void TimedOut(this ILogger log, string queue, string job, int attempt);

    [LoggerMessage(1041, LogLevel.Information, "Queue {Queue} is now {Mode}.")]
    public static partial void ModeChanged(this ILogger log, string queue, string mode);

    [LoggerMessage(1042, LogLevel.Debug, "Queue {Queue}: listening for messages failed: {Error}")]
    public static partial void ListenFailed(this ILogger log, string queue, string error);

    [LoggerMessage(1043, LogLevel.Debug, "Queue {Queue}: noting progress failed: {Error}")]
    public static partial void ProgressFailed(this ILogger log, string queue, string error);

    [LoggerMessage(1044, LogLevel.Debug, "Queue {Queue}: forgetting finished jobs failed: {Error}")]
    public static partial void TrimFailed(this ILogger log, string queue, string error);

    [LoggerMessage(1050, LogLevel.Information, "Queue {Queue}: takes nothing more; the jobs that it holds, {Held}, have {Limit} to end.")]
    public static partial void Stopping(this ILogger log, string queue, int held, string limit);

    [LoggerMessage(1051, LogLevel.Warning, "Queue {Queue}: job {Job} did not end when told; it is given back and will run again.")]
    public static partial void GivenBackWhileRunning(this ILogger log, string queue, string job);

    [LoggerMessage(1053, LogLevel.Warning, "Queue {Queue}: stopped while the store was away; {Held} jobs are left to others when the lease expires.")]
    public static partial void StoppedInPart(this ILogger log, string queue, int held);

    [LoggerMessage(1052, LogLevel.Error, "Queue {Queue}: a loop of the bridge failed.")]
    public static partial void LoopFailed(this ILogger log, string queue, Exception error);
}
