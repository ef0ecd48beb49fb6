using Gristmill.Grains.Handlers;
using Gristmill.Grains.Tests.Handlers;
using Gristmill.Testing;

namespace Gristmill.Grains.Tests.Workers;

/// <summary>The worker in plain shell.</summary>
public sealed class ShellSampleTests
{
    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("sh")]
    [InlineData("bash")]
    public async Task Worker_answers_with_the_size_of_the_payload_and_ends_when_told_to(string shell)
    {
        Tools.Require(new Tool(shell, shell));
        var logs = new ScopeLog();
        await using (var pool = await Pools.StartAsync(Pools.Patient([shell, Repository.Path("samples/shell/worker.sh")]), logs))
        {
            var progress = new ProgressLog();
            const string payload = """{"payload":"é \\ \"type\":\"stop\"","type":"hello"}""";
            Assert.Equal("""{"bytes":52}""", Attempts.ResultOf(await pool.RunAsync(Attempts.Of(payload), progress, TestEnd)));
            Assert.Equal([(1, 1, null)], progress.Reports);
            Assert.Equal("""{"bytes":2}""", Attempts.ResultOf(await pool.RunAsync("{}", TestEnd)));
            Assert.Equal(AttemptErrorKind.Fatal, Attempts.ErrorOf(await pool.RunAsync(Attempts.Of([0xff]), new ProgressLog(), TestEnd)).Kind);
            Assert.Equal((1, 0), (pool.Counters.Starts, pool.Counters.GarbageLines));
        }

        Assert.Contains(logs.Lines, line => line.EndsWith("was ended (Stopped) and ended with exit status 0.", StringComparison.Ordinal));
    }
}
