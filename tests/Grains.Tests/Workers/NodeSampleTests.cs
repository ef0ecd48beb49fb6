using Gristmill.Grains.Handlers;
using Gristmill.Grains.Tests.Handlers;
using Gristmill.Grains.Workers;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.Workers;

/// <summary>The Node worker that users copy, with the sample and with handlers written here.</summary>
public sealed class NodeSampleTests
{
    private const string Handlers =
        """
        import { setTimeout } from 'node:timers/promises';
        const { serve } = await import(process.argv[1]);
        serve(async (payload, job) => {
          console.log('a stray line');
          if (payload === 'ids') return [job.queue, job.id, job.session_id, job.attempt];
          if (payload === 'throw') throw new TypeError('no such thing');
          if (payload === 'wait') {
            job.progress(0, 1, 'waiting');
            await setTimeout(1e6, null, { signal: job.signal });
          }
          return payload.length;
        });
        """;

    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Word_count_counts_and_reports_progress()
    {
        await using var pool = await StartAsync(new ScopeLog(), Path.Combine(Samples, "word_count.mjs"));
        var progress = new ProgressLog();
        var result = await pool.RunAsync(Attempts.Of("""{"session_id":"s1","chunk":7,"transcript":"The mill, the corn: the END"}"""), progress, TestEnd);
        Assert.Equal("""{"words":6,"unique":4}""", Attempts.ResultOf(result));
        Assert.Equal([(6, 6, "counting")], progress.Reports);
        Assert.Equal(AttemptErrorKind.Fatal, Attempts.ErrorOf(await pool.RunAsync("""{"chunk":7}""", TestEnd)).Kind);
    }

    [Fact]
    public async Task Handler_is_told_of_its_job_fails_is_cancelled_and_the_worker_stays()
    {
        var logs = new ScopeLog();
        var pool = await StartAsync(logs, "--input-type=module", "-e", Handlers, Path.Combine(Samples, "gristmill_worker.mjs"));
        await using (pool)
        {
            Assert.Equal("""["asr","job-1","s1",2]""", Attempts.ResultOf(await pool.RunAsync("\"ids\"", TestEnd)));
            Assert.Equal("2", Attempts.ResultOf(await pool.RunAsync(Attempts.Of([0xff, 0]), new ProgressLog(), TestEnd)));
            var error = Attempts.ErrorOf(await pool.RunAsync("\"throw\"", TestEnd));
            Assert.Equal((AttemptErrorKind.Retry, "TypeError", "no such thing"), (error.Kind, error.Type, error.Message));

            var progress = new ProgressLog();
            using var cancel = new CancellationTokenSource();
            var running = pool.RunAsync(Attempts.Of("\"wait\""), progress, cancel.Token);
            await progress.First;
            await cancel.CancelAsync();
            Assert.IsType<AttemptResult.Cancelled>(await running);
            Assert.Equal("3", Attempts.ResultOf(await pool.RunAsync("\"abc\"", TestEnd)));
            Assert.Equal((1, 0), (pool.Counters.Starts, pool.Counters.GarbageLines));
        }

        Assert.Contains(logs.Lines, line => line.EndsWith("on stderr: a stray line", StringComparison.Ordinal));
        Assert.Contains(logs.Lines, line => line.EndsWith("was ended (Stopped) and ended with exit status 0.", StringComparison.Ordinal));
    }

    private static string Samples { get; } = Repository.Path("samples/node");

    private static Task<WorkerPool> StartAsync(ScopeLog logs, params string[] arguments)
    {
        Tools.Require(Tools.Node);
        var options = Pools.Patient([Tools.Node.Program, .. arguments]);
        options.CancelGraceSeconds = 10;
        return Pools.StartAsync(options, logs);
    }
}
