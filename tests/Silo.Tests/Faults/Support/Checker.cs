using System.Text.Json;
using Gristmill.FaultHandlers;
using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Silo.Tests.Faults.Support;

/// <summary>What the checker is told of the faults.</summary>
internal sealed record Expectations
{
    /// <summary>Whether silos were lost while they ran jobs; otherwise no job may be charged with it.</summary>
    public bool Lost { get; init; }

    /// <summary>Whether the store went back in time, so that a job may have run more often than it says.</summary>
    public bool StoreForgot { get; init; }

    /// <summary>
    /// Jobs that ran when the log of the store was cut in the midst of a step (Garnet): the numbers, not the records, may have such
    /// a job twice. They never lack one.
    /// </summary>
    public int Torn { get; init; }
}

/// <summary>
/// The proof at the end of a test of faults, of the record and the ledger against what was pushed: every item has exactly
/// one job, with the outcome, reason and charged attempts that it must have; each attempt ran under a token of its own and
/// only after the one before had ended or its silo was dead; the recorded result is of an attempt that ran to its end; the
/// queue's numbers agree and nothing is left anywhere.
/// </summary>
internal static class Checker
{
    public static async Task HoldsAsync(FaultBench bench, IReadOnlyList<FaultItem> items, Expectations? expectations = null)
    {
        var expected = expectations ?? new Expectations();
        var problems = new List<string>();
        var jobs = (await Records.ReadAsync(bench.Store)).ToLookup(j => Records.KeyOf(j.Payload));
        var ledger = bench.Ledger.Read().ToLookup(l => l.Key);
        foreach (var item in items)
        {
            if (jobs[item.Key].ToList() is not [var job])
            {
                problems.Add($"{item.Key}: expected one job, actual {jobs[item.Key].Count()}: {string.Join("; ", jobs[item.Key].Select(Tell))}");
                continue;
            }

            Record(item, job, expected, problems);
            Attempts(item, job, [.. ledger[item.Key]], expected, problems);
        }

        var pushed = items.Select(i => i.Key).ToHashSet();
        foreach (var stranger in jobs.Where(g => !pushed.Contains(g.Key)).Take(5))
        {
            problems.Add($"{stranger.Key}: a job that nobody pushed: {Tell(stranger.First())}");
        }

        await NumbersAsync(bench, items, expected, problems);
        Assert.True(problems.Count == 0, $"Seed {bench.Seed}; {problems.Count} of {items.Count} items are not as they should be:\n{string.Join('\n', problems.Take(15))}");
    }

    private static string Tell(JobView job) =>
        $"{job.Id} is {JobStates.Name(job.State)} {job.Header.Reason} after {job.Header.Attempts} attempts, lost {job.Header.Lost}";

    private static void Record(FaultItem item, JobView job, Expectations expected, List<string> problems)
    {
        void Check(bool holds, string what)
        {
            if (!holds) problems.Add($"{item.Key}: expected {what}, actual: {Tell(job)}");
        }

        Check(job.State == item.Outcome, JobStates.Name(item.Outcome));
        Check(item.Reason is null || job.Header.Reason == item.Reason, $"the reason {item.Reason}");
        Check(item.Outcome != JobState.Completed || job.Header.Attempts == item.Attempts, $"{item.Attempts} charged attempts");
        Check(item.Reason != "retries" || job.Header.Attempts == item.Attempts, $"{item.Attempts} charged attempts");
        Check(item.Id is null || job.Id == item.Id, $"the id {item.Id}");
        Check(expected.Lost || job.Header.Lost == 0, "no lost worker to be charged");
        Check(job.Payload.Span.SequenceEqual(item.Payload), "the payload as it was pushed");
    }

    private static void Attempts(FaultItem item, JobView job, IReadOnlyList<LedgerLine> lines, Expectations expected, List<string> problems)
    {
        var starts = lines.Where(l => l.Mark == LedgerMark.Start).ToList();
        foreach (var twice in starts.GroupBy(l => (l.JobId, l.Token)).Where(g => g.Count() > 1))
        {
            problems.Add($"{item.Key}: the token {twice.Key.Token} ran {twice.Count()} attempts");
        }

        if (item.Outcome == JobState.Completed)
        {
            var result = JsonSerializer.Deserialize<WorkDone>(job.Result.Span, JsonSerializerOptions.Web);
            if (result is null || !lines.Any(l => l.Mark == LedgerMark.Done && l.Token == result.Token && l.Attempt == result.Attempt))
            {
                problems.Add($"{item.Key}: the recorded result is of token {result?.Token}, under which no attempt ended well");
            }
        }

        if (item.Reason is "malformed" or "invalid_field" && starts.Count > 0) problems.Add($"{item.Key}: a handler saw it");
        if (!expected.Lost && !expected.StoreForgot && item.Reason is null or "retries" && !lines.Any(l => l.Mark == LedgerMark.Ended) && starts.Count != item.Attempts)
        {
            problems.Add($"{item.Key}: expected {item.Attempts} attempts, actual {starts.Count}");
        }

        Overlaps(item, lines, problems);
    }

    // In one process an attempt starts only once the one before has ended. Of different processes, one that was killed or
    // frozen never says that it ended.
    private static void Overlaps(FaultItem item, IReadOnlyList<LedgerLine> lines, List<string> problems)
    {
        foreach (var process in lines.GroupBy(l => l.ProcessId))
        {
            var running = false;
            foreach (var line in process)
            {
                if (line.Mark == LedgerMark.Start && running) problems.Add($"{item.Key}: attempts overlap in process {process.Key} at {line}");
                running = line.Mark == LedgerMark.Start;
            }
        }
    }

    private static async Task NumbersAsync(FaultBench bench, IReadOnlyList<FaultItem> items, Expectations expected, List<string> problems)
    {
        void Equal(string what, long should, long actual)
        {
            if (should != actual) problems.Add($"{what}: expected {should}, actual {actual}");
        }

        void Between(string what, long should, long actual)
        {
            if (actual < should || actual > should + expected.Torn) problems.Add($"{what}: expected {should}{(expected.Torn > 0 ? $" to {should + expected.Torn}" : string.Empty)}, actual {actual}");
        }

        var counts = await bench.Store.CountAsync();
        var dead = items.Count(i => i.Outcome == JobState.Dead);
        Equal("dead letters", dead, counts.Dead);
        Between("finished records", items.Count - dead, counts.Kept);
        Equal("jobs that wait or run", 0, counts.Queued + counts.Scheduled + counts.Deferred + counts.Retrying + counts.Running);
        if (!expected.Lost) Equal("the total of lost attempts", 0, counts.Totals["lost"]);
        Between("the total of completed jobs", items.Count - dead, counts.Totals["completed"]);
        Between("the total of dead letters", dead, counts.Totals["dead"]);
        Between("the total of claimed items", items.Count, counts.Totals["claimed"]);
        foreach (var left in (string[])["progress", "cancels", "running"])
        {
            Equal($"entries of {left}", 0, (await bench.Redis.ExecuteAsync(new RedisCommand("HLEN", bench.Key(left)))).AsInteger());
        }
    }
}
