using Gristmill.Grains.Handlers;
using Gristmill.Grains.Options;
using Gristmill.Store;

namespace Gristmill.Grains.Jobs;

/// <summary>Why a running attempt was told to end.</summary>
internal enum EndCause
{
    None,
    Timeout,
    Requested,
    Expired,
    LeaseLost,
    Shutdown,
}

/// <summary>What comes after an attempt: a result, or a settlement with its delay and reason.</summary>
internal readonly record struct Verdict(bool Completed, Settlement Settlement, long DelayMs, string? Reason);

/// <summary>
/// The rules of retries and budgets, pure: from how an attempt ended to what comes next. Handler errors, lost workers and
/// out-of-memory each have their own budget; only handler errors and timeouts spend retries.
/// </summary>
internal sealed class JobPolicy(QueueOptions options)
{
    // A worker that runs out of memory again at once helps nobody: the device gets a moment.
    private const long OutOfMemoryDelayMs = 1000;

    /// <summary>Retries of this job: its own number, or the queue's.</summary>
    public int RetriesOf(JobHeader header) => header.MaxRetries ?? options.Retry.Retries;

    /// <summary>Attempts of this job in all.</summary>
    public int AttemptsOf(JobHeader header) => RetriesOf(header) + 1;

    /// <summary>The time limit of an attempt.</summary>
    public TimeSpan TimeoutOf(JobHeader header) =>
        header.Timeout is { } ms ? TimeSpan.FromMilliseconds(ms) : TimeSpan.FromSeconds(options.TimeoutSeconds);

    /// <summary>
    /// Decides, and charges the header: attempts, budgets, and the error history.
    /// </summary>
    /// <param name="header">The job's header; changed.</param>
    /// <param name="attempt">The attempt that ended.</param>
    /// <param name="result">How it ended.</param>
    /// <param name="cause">Why it was told to end, if it was.</param>
    /// <param name="now">Unix ms.</param>
    /// <param name="random">0 to 1, for jitter.</param>
    public Verdict Decide(JobHeader header, int attempt, AttemptResult result, EndCause cause, long now, double random) => result switch
    {
        AttemptResult.Completed => Complete(header, attempt),
        AttemptResult.Failed failed when cause is EndCause.None => Fail(header, attempt, failed.Error, now, random),
        AttemptResult.Failed { Error.Kind: AttemptErrorKind.Fatal or AttemptErrorKind.OutOfMemory } failed when cause is EndCause.Timeout => Fail(header, attempt, failed.Error, now, random),
        _ => End(header, attempt, cause, now, random),
    };

    /// <summary>The wait before the retry that follows this many charged attempts, in ms.</summary>
    public long DelayAfter(JobHeader header, int attempts, double random)
    {
        var first = header.RetryDelay ?? options.Retry.BaseSeconds * 1000;
        var wait = Math.Min(first * Math.Pow(options.Retry.Factor, attempts - 1), options.Retry.CapSeconds * 1000);
        return (long)(wait * (1 + options.Retry.Jitter * random));
    }

    private static Verdict Complete(JobHeader header, int attempt)
    {
        header.Attempts = attempt;
        return new Verdict(true, default, 0, null);
    }

    private Verdict Fail(JobHeader header, int attempt, AttemptError error, long now, double random)
    {
        var message = error.Detail is { Length: > 0 } detail ? $"{error.Type}: {error.Message}\n{detail}" : $"{error.Type}: {error.Message}";
        switch (error.Kind)
        {
            case AttemptErrorKind.Fatal:
                header.Attempts = attempt;
                header.AddError(new JobError(now, attempt, "fatal", message));
                return Bury("fatal");
            case AttemptErrorKind.OutOfMemory:
                header.OutOfMemory++;
                header.AddError(new JobError(now, attempt, "oom", message));
                return header.OutOfMemory > options.OutOfMemoryBudget ? Bury("out_of_memory") : new Verdict(false, Settlement.Retry, OutOfMemoryDelayMs, null);
            case AttemptErrorKind.WorkerLost:
                header.Lost++;
                header.AddError(new JobError(now, attempt, "lost", message));
                return header.Lost > options.LostBudget ? Bury("lost_worker") : new Verdict(false, Settlement.Release, 0, null);
            default:
                return Charge(header, attempt, new JobError(now, attempt, "error", message), "retries", random);
        }
    }

    private Verdict End(JobHeader header, int attempt, EndCause cause, long now, double random)
    {
        switch (cause)
        {
            case EndCause.Requested:
                header.Attempts = attempt;
                return new Verdict(false, Settlement.Cancel, 0, "requested");
            case EndCause.Expired:
                return new Verdict(false, Settlement.Cancel, 0, "expired");
            case EndCause.Timeout:
                var limit = TimeoutOf(header).TotalSeconds;
                var message = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"The attempt took longer than its limit of {limit:0.###} s.");
                return Charge(header, attempt, new JobError(now, attempt, "timeout", message), "timeout", random);
            default:
                return new Verdict(false, Settlement.Release, 0, null);
        }
    }

    private Verdict Charge(JobHeader header, int attempt, JobError error, string reason, double random)
    {
        header.Attempts = attempt;
        header.AddError(error);
        return attempt > RetriesOf(header)
            ? Bury(reason)
            : new Verdict(false, Settlement.Retry, DelayAfter(header, attempt, random), null);
    }

    private static Verdict Bury(string reason) => new(false, Settlement.Bury, 0, reason);
}
