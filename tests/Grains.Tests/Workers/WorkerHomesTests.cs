using Gristmill.Grains.Handlers;
using Gristmill.Grains.Tests.Handlers;
using Gristmill.Grains.Workers;

namespace Gristmill.Grains.Tests.Workers;

/// <summary>A session's next job goes to the worker that served it before, while that one is idle.</summary>
public sealed class WorkerHomesTests
{
    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sessions_stay_with_their_workers_while_those_are_idle()
    {
        var pool = await TwoAsync();
        await using (pool)
        {
            var (first, second) = (await PidAsync(pool, "s1"), await PidAsync(pool, "s2"));
            Assert.NotEqual(first, second);
            for (var round = 0; round < 5; round++)
            {
                Assert.Equal(second, await PidAsync(pool, "s2"));
                Assert.Equal(first, await PidAsync(pool, "s1"));
            }
        }
    }

    [Fact]
    public async Task Session_whose_worker_is_busy_goes_to_one_that_is_idle_at_once_and_stays_there()
    {
        var pool = await TwoAsync();
        await using (pool)
        {
            var home = await PidAsync(pool, "s1");
            using var stop = new CancellationTokenSource();
            var progress = new ProgressLog();
            var busy = pool.RunAsync(Of("""{"do":"wait-for-cancel"}""", "s1"), progress, stop.Token);
            await progress.First;
            var other = await PidAsync(pool, "s1");
            Assert.NotEqual(home, other);
            await stop.CancelAsync();
            await busy;
            await Wait.UntilAsync(() => pool.Describe().Contains("2 ready", StringComparison.Ordinal));
            Assert.Equal(other, await PidAsync(pool, "s1"));
        }
    }

    [Fact]
    public async Task Job_in_line_is_passed_over_for_one_whose_session_the_worker_knows_but_not_for_ever()
    {
        var pool = await Pools.StartAsync();
        await using (pool)
        {
            await PidAsync(pool, "s1");
            using var stop = new CancellationTokenSource();
            var progress = new ProgressLog();
            var busy = pool.RunAsync(Of("""{"do":"wait-for-cancel"}""", "s1"), progress, stop.Token);
            await progress.First;
            var order = new List<string>();
            async Task NoteAsync(string name, string? session)
            {
                await pool.RunAsync(Of("""{"do":"progress"}""", session), new Noting(() => order.Add(name)), TestEnd);
            }

            var all = new List<Task> { NoteAsync("stranger", "s2") };
            for (var i = 1; i <= 6; i++) all.Add(NoteAsync($"known {i}", "s1"));
            await stop.CancelAsync();
            await busy;
            await Task.WhenAll(all);
            Assert.Equal(["known 1", "known 2", "known 3", "known 4", "stranger", "known 5", "known 6"], order.Distinct());
        }
    }

    [Fact]
    public void Sessions_beyond_the_bound_are_forgotten_the_longest_unserved_first()
    {
        var homes = new WorkerHomes<object>();
        var (worker, other) = (new object(), new object());
        for (var n = 0; n < WorkerHomes<object>.MaxSessions; n++) homes.Serves($"s{n}", worker);
        homes.Serves("s0", other);
        homes.Serves("one more", worker);
        Assert.Equal(WorkerHomes<object>.MaxSessions, homes.Count);
        Assert.Null(homes.Of("s1"));
        Assert.Same(other, homes.Of("s0"));
    }

    [Fact]
    public void Worker_that_has_ended_is_no_home()
    {
        var homes = new WorkerHomes<object>();
        var (gone, other) = (new object(), new object());
        homes.Serves("a", gone);
        homes.Serves("b", other);
        homes.Gone(gone);
        Assert.Equal((null, other, 1), (homes.Of("a"), homes.Of("b"), homes.Count));
        Assert.Equal(0, homes.LastServed(gone));
    }

    private static Task<WorkerPool> TwoAsync()
    {
        var options = Pools.Options();
        options.Count = 2;
        return BothReadyAsync(options);
    }

    private static async Task<WorkerPool> BothReadyAsync(WorkerOptions options)
    {
        var pool = await Pools.StartAsync(options);
        await Wait.UntilAsync(() => pool.Concurrency == 2);
        return pool;
    }

    private static JobAttempt Of(string payload, string? session) => Attempts.Of(payload) with { SessionId = session };

    private static async Task<string> PidAsync(WorkerPool pool, string session) =>
        Attempts.ResultOf(await pool.RunAsync(Of("""{"do":"pid"}""", session), new ProgressLog(), TestEnd));

    private sealed class Noting(Action note) : IProgressSink
    {
        public void Report(long done, long total, string? message) => note();
    }
}
