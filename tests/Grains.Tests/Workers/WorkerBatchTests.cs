using System.Globalization;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Tests.Handlers;
using Gristmill.Grains.Workers;

namespace Gristmill.Grains.Tests.Workers;

/// <summary>Several jobs at once for one worker: they go together, and each has an outcome of its own.</summary>
public sealed class WorkerBatchTests
{
    private const double Forever = 60;

    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    private static WorkerOptions Batches(int size, double wait, string mode = "batch")
    {
        var options = Pools.Options(mode);
        options.BatchSize = size;
        options.BatchWaitSeconds = wait;
        return options;
    }

    private static Task<AttemptResult[]> DoAllAsync(WorkerPool pool, params string[] orders) =>
        Task.WhenAll(orders.Select(order => pool.DoAsync(order)));

    private static string[] Together(int count) => [.. Enumerable.Repeat("together", count)];

    [Fact]
    public async Task Batch_that_is_full_goes_at_once()
    {
        await using var pool = await Pools.StartAsync(Batches(4, Forever));
        Assert.Equal(["4", "4", "4", "4"], (await DoAllAsync(pool, Together(4))).Select(Attempts.ResultOf));
    }

    [Fact]
    public async Task Batch_that_is_not_full_goes_after_its_wait()
    {
        await using var pool = await Pools.StartAsync(Batches(4, 0.02));
        Assert.Equal(["3", "3", "3"], (await DoAllAsync(pool, Together(3))).Select(Attempts.ResultOf));
    }

    [Fact]
    public async Task Batch_is_no_larger_than_what_the_worker_takes()
    {
        await using var pool = await Pools.StartAsync(Batches(1000, 0));
        Assert.All((await DoAllAsync(pool, Together(50))).Select(Attempts.ResultOf), count => Assert.InRange(int.Parse(count, CultureInfo.InvariantCulture), 1, 8));
    }

    [Fact]
    public async Task Worker_that_does_not_take_batches_gets_one_at_a_time()
    {
        await using var pool = await Pools.StartAsync(Batches(4, Forever, "ok"));
        Assert.Equal(["1", "1", "1", "1"], (await DoAllAsync(pool, Together(4))).Select(Attempts.ResultOf));
    }

    [Fact]
    public async Task Batch_fits_the_longest_line()
    {
        var options = Batches(4, Forever);
        await using var pool = await Pools.StartAsync(options);
        var large = $$"""{"do":"together","x":"{{new string('x', options.MaxLineBytes / 3)}}"}""";
        var results = await Task.WhenAll(Enumerable.Range(0, 6).Select(n => pool.RunAsync(n < 4 ? large : """{"do":"together"}""", TestEnd)));
        Assert.Equal(["2", "2", "4", "4", "4", "4"], results.Select(Attempts.ResultOf));
    }

    [Fact]
    public async Task Job_that_fails_fails_alone()
    {
        await using var pool = await Pools.StartAsync(Batches(4, Forever));
        var failing = pool.DoAsync("error", ""","kind":"fatal","message":"no" """);
        var others = await DoAllAsync(pool, Together(3));
        Assert.Equal(AttemptErrorKind.Fatal, Attempts.ErrorOf(await failing).Kind);
        Assert.Equal(["4", "4", "4"], others.Select(Attempts.ResultOf));
        Assert.Equal(1, pool.Counters.Starts);
    }

    [Theory]
    [InlineData("exit0", nameof(AttemptErrorKind.WorkerLost))]
    [InlineData("half", nameof(AttemptErrorKind.WorkerLost))]
    [InlineData("signal", nameof(AttemptErrorKind.OutOfMemory))]
    public async Task Job_that_costs_the_worker_costs_the_others_nothing(string order, string kind)
    {
        await using var pool = await Pools.StartAsync(Batches(4, Forever));
        var first = DoAllAsync(pool, Together(1));
        var bad = pool.DoAsync(order, ""","signal":9 """);
        var others = await DoAllAsync(pool, Together(2));
        Assert.Equal(kind, Attempts.ErrorOf(await bad).Kind.ToString());
        // The one before it had its answer; those behind it ran again, alone.
        Assert.Equal("4", Attempts.ResultOf((await first).Single()));
        Assert.Equal(["1", "1"], others.Select(Attempts.ResultOf));
    }

    [Fact]
    public async Task Job_out_of_memory_in_a_batch_is_tried_alone_before_it_counts()
    {
        await using var pool = await Pools.StartAsync(Batches(2, Forever));
        var bad = pool.DoAsync("error", ""","kind":"oom","message":"3 GiB asked, 2 free" """);
        Assert.Equal("2", Attempts.ResultOf(await pool.DoAsync("together")));
        Assert.Equal((AttemptErrorKind.OutOfMemory, "3 GiB asked, 2 free"), (Attempts.ErrorOf(await bad).Kind, Attempts.ErrorOf(await bad).Message));
        Assert.Equal(1, pool.Counters.Starts);
    }

    [Fact]
    public async Task Job_that_is_cancelled_and_goes_on_costs_the_others_nothing()
    {
        await using var pool = await Pools.StartAsync(Batches(3, Forever));
        using var cancel = new CancellationTokenSource();
        var progress = new ProgressLog();
        var hanging = pool.RunAsync(Attempts.Of("""{"do":"hang"}"""), progress, cancel.Token);
        var others = DoAllAsync(pool, Together(2));
        await progress.First;
        await cancel.CancelAsync();
        Assert.IsType<AttemptResult.Cancelled>(await hanging);
        Assert.Equal(["1", "1"], (await others).Select(Attempts.ResultOf));
    }

    [Fact]
    public async Task Worker_without_progress_is_replaced_though_it_beats()
    {
        var options = Pools.Options("beat");
        options.StallSeconds = 0.3;
        await using var pool = await Pools.StartAsync(options);
        var error = Attempts.ErrorOf(await pool.DoAsync("hang"));
        Assert.Equal(AttemptErrorKind.WorkerLost, error.Kind);
        Assert.Contains("no progress for longer than StallSeconds (0.3)", error.Message, StringComparison.Ordinal);
        Assert.Equal("\"done\"", Attempts.ResultOf(await pool.DoAsync("progress")));
    }
}
