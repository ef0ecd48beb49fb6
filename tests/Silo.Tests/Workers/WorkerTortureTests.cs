using System.Globalization;
using System.Text;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Store;

namespace Gristmill.Silo.Tests.Workers;

/// <summary>
/// What a worker can do to its silo, one misdeed a row, on the real thing: three Python processes of one silo on a real Redis.
/// Each job ends with the right outcome within its limit; the other workers go on with jobs meanwhile, at no charge to these;
/// and afterwards nothing is left in /proc but the silo, its guard and three workers. docs/worker-protocol.md has the list.
/// </summary>
public sealed class WorkerTortureTests(SharedMill shared) : IClassFixture<SharedMill>
{
    private const int Others = 20;
    private const long FloodBytes = 200L << 20;
    private const long FloodMayCostKiB = 48 * 1024;

    /// <summary>Within this a job has its outcome: the longest patience of a row, 3 s of silence, and room for a machine that is busy.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("exit0", "", "exit status 0")]
    [InlineData("half", "", "exit status 7")]
    [InlineData("signal", ""","signal":11""", "139 (SIGSEGV)")]
    [InlineData("garbage", "", "100 lines in a row")]
    [InlineData("long-line", ""","bytes":5000000""", "MaxLineBytes (4194304)")]
    [InlineData("close-stdout", "", "closed its stdout")]
    [InlineData("freeze", "", "HeartbeatTimeoutSeconds (3)")]
    [InlineData("fork", ""","then":"exit" """, "exit status 5")]
    [InlineData("orphans", ""","then":"exit" """, "exit status 5")]
    public async Task Worker_that_breaks_off_costs_its_own_job_alone(string misdeed, string more, string said)
    {
        var job = await EndsAsync(misdeed, more, AtOnce);
        Assert.Equal((JobState.Dead, "lost_worker"), (job.State, job.Header.Reason));
        AssertError(job, "lost", said);
    }

    [Theory]
    [InlineData("hang")]
    [InlineData("deaf-hang")]
    [InlineData("orphans", ""","then":"hang" """)]
    public async Task Worker_that_hangs_in_its_job_is_ended_at_the_time_limit(string misdeed, string more = "")
    {
        var job = await EndsAsync(misdeed, more + ""","timeout":1""", AtOnce, othersFirst: true);
        Assert.Equal((JobState.Dead, "timeout"), (job.State, job.Header.Reason));
        AssertError(job, "timeout", "limit of 1 s");
    }

    [Theory]
    [InlineData("eat", ""","bytes":200000000""", "MemoryLimitBytes (134217728)")]
    [InlineData("eat-past-ulimit", ""","bytes":268435456""", "the address space is full")]
    [InlineData("eat-until-killed", ""","bytes":67108864""", "killed by SIGKILL, not by Gristmill: most likely by the kernel")]
    public async Task Worker_that_eats_all_memory_has_run_out_of_it(string misdeed, string more, string said)
    {
        var job = await EndsAsync(misdeed, more, AtOnce);
        if (job.Header.Progress?.Message is { } group)
        {
            FaultBench.Say(group);
            if (Directory.Exists(group)) Directory.Delete(group);
        }

        Assert.Equal((JobState.Dead, "out_of_memory"), (job.State, job.Header.Reason));
        AssertError(job, "oom", said);
    }

    [Theory]
    [InlineData("flood-bytes")]
    [InlineData("flood-progress")]
    public async Task Worker_that_floods_its_silo_does_its_job_and_the_silo_stays_small(string misdeed)
    {
        var mill = await shared.GetAsync();
        var before = mill.Silo.ResidentKiB();
        var more = string.Create(CultureInfo.InvariantCulture, $""","bytes":{FloodBytes},"times":50000""");
        var job = await EndsAsync(misdeed, more, FaultBench.Patience);
        Assert.Equal(JobState.Completed, job.State);
        if (misdeed == "flood-bytes") Assert.InRange(long.Parse(Encoding.UTF8.GetString(job.Result.Span), CultureInfo.InvariantCulture), FloodBytes, long.MaxValue);
        Assert.InRange(mill.Silo.ResidentKiB() - before, long.MinValue, FloodMayCostKiB);
    }

    [Fact]
    public async Task Orphans_of_a_worker_that_goes_on_live_as_long_as_it()
    {
        var mill = await shared.GetAsync();
        var orphans = await EndsAsync("orphans", "", AtOnce, clean: false);
        Assert.Equal(JobState.Completed, orphans.State);
        var living = mill.Descendants.List();
        Assert.All(Pids(orphans), id => Assert.True(living.ContainsKey(id), $"{id} was killed while the worker that started it lives."));

        // Whichever of the three has them: all end.
        foreach (var id in await mill.PushAsync(WorkerMill.Workers, "hang", ""","timeout":0.5""")) await mill.OutcomeAsync(id, AtOnce * 2);
        await mill.NothingLeftBehindAsync();
    }

    [Theory]
    [InlineData("never", "was not ready within StartupTimeoutSeconds (4)")]
    [InlineData("exit", "no model here")]
    public async Task Worker_that_does_not_start_any_more_leaves_the_jobs_to_the_others(string how, string said)
    {
        var mill = await shared.GetAsync();
        mill.Starts(how);
        try
        {
            var seen = mill.Silo.Lines(said).Count;
            var broken = await mill.OutcomeAsync(await mill.PushAsync("exit0"), AtOnce);
            Assert.Equal("lost_worker", broken.Header.Reason);
            var trying = FaultBench.UntilAsync($"the log says: {said}", () => mill.Silo.Lines(said).Count > seen);
            await AssertOthersAsync(mill, await mill.PushAsync(Others, "none"));
            await trying;
            await AssertOthersAsync(mill, await mill.PushAsync(Others, "none"));
        }
        finally
        {
            mill.Starts("well");
        }

        await mill.NothingLeftBehindAsync();
    }

    [Fact]
    public async Task Worker_that_starts_slowly_serves_once_it_is_ready()
    {
        var mill = await shared.GetAsync();
        mill.Starts("slow");
        var ready = mill.Silo.Lines("is ready after").Count;
        foreach (var id in await mill.PushAsync(WorkerMill.Workers, "hang", ""","timeout":0.5""")) await mill.OutcomeAsync(id, AtOnce * 2);
        await AssertOthersAsync(mill, await mill.PushAsync(Others, "none"));
        await FaultBench.UntilAsync("three more are ready", () => mill.Silo.Lines("is ready after").Count >= ready + WorkerMill.Workers);
        mill.Starts("well");
        await mill.NothingLeftBehindAsync();
    }

    private static void AssertError(JobView job, string kind, string said)
    {
        var error = Assert.Single(job.Header.Errors);
        Assert.Equal(kind, error.Kind);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<int> Pids(JobView orphans) =>
        Encoding.UTF8.GetString(orphans.Result.Span).Trim('[', ']').Split(',').Select(text => int.Parse(text, CultureInfo.InvariantCulture));

    // Others of the pool did these, once each.
    private static async Task<IReadOnlyList<JobView>> AssertOthersAsync(WorkerMill mill, IReadOnlyList<string> ids)
    {
        var jobs = new List<JobView>();
        foreach (var id in ids) jobs.Add(await mill.OutcomeAsync(id, AtOnce * 2));
        Assert.All(jobs, job => Assert.Equal((JobState.Completed, 0), (job.State, job.Header.Errors.Count)));
        return jobs;
    }

    /// <summary>Pushes the misdeed and, behind it, jobs for the others; gives what became of it.</summary>
    private async Task<JobView> EndsAsync(string misdeed, string more, TimeSpan limit, bool othersFirst = false, bool clean = true)
    {
        var mill = await shared.GetAsync();
        var id = await mill.PushAsync(misdeed, more);
        var others = await AssertOthersAsync(mill, await mill.PushAsync(Others, "none"));
        var job = await mill.OutcomeAsync(id, limit);
        if (othersFirst) Assert.True(others.Max(o => o.Header.FinishedAt) < job.Header.FinishedAt, "The other jobs waited for the one that hung.");
        if (clean) await mill.NothingLeftBehindAsync();
        return job;
    }
}
