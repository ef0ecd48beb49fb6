using System.CommandLine;
using System.Globalization;
using Gristmill.Redis;
using Gristmill.Silo.Commands;
using Gristmill.Silo.EmbeddedStore;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Silo.Bench;

/// <summary>
/// <c>gristmill bench</c>: what this machine and this Redis do, by no-op jobs on a silo in this process. It works in a service
/// of its own, whose keys it removes, so it may run on a Redis that has other data; it asks the Redis before whether there is
/// room, and says which one it loads. Steps: look at the Redis → push → time the silo from the first outcome to the last →
/// time single pushes → remove.
/// </summary>
internal static class BenchCommand
{
    private const int FewestJobs = 100;
    private const int MostJobs = 500_000;
    private const int MostConcurrency = 10_000;

    private static readonly Option<int> Jobs = new("--jobs") { Description = $"How many jobs are timed, {FewestJobs} to {MostJobs}.", DefaultValueFactory = _ => 20_000 };
    private static readonly Option<int> Concurrency = new("--concurrency") { Description = $"Jobs at once, 1 to {MostConcurrency}.", DefaultValueFactory = _ => 100 };

    public static Command Make(CommandEnvironment environment, GlobalOptions globals)
    {
        var command = new Command("bench", "Measures this machine and this Redis: throughput and latency of jobs that do nothing.") { Jobs, Concurrency };
        command.SetAction(CommandRun.Action(environment, globals, (run, cancellationToken) => RunAsync(run, globals, cancellationToken)));
        return command;
    }

    private static async Task<int> RunAsync(CommandRun run, GlobalOptions globals, CancellationToken cancellationToken)
    {
        var plan = Plan(run, globals);
        await using var embedded = await StoreAsync(run, globals, cancellationToken);
        var url = embedded?.Url ?? RedisAddress.Find(run.Parsed.GetValue(globals.Redis), run.Environment, out _);
        await using var redis = RedisClient.Connect(RedisOptions.Parse(url), NullLoggerFactory.Instance, run.Environment.Clock);
        var service = new BenchService(redis, url, plan);
        await service.CheckAsync(cancellationToken);
        Say(run, $"Measuring {redis.Describe()} with {plan.Jobs} jobs in the service '{service.Name}', whose keys are removed at the end.");
        BenchReport report;
        try
        {
            report = await BenchLoad.RunAsync(service, run.Environment.Clock, cancellationToken);
        }
        finally
        {
            // Also when interrupted: what was pushed must not stay.
            await service.RemoveAsync(CancellationToken.None);
        }

        if (run.IsJson) run.WriteJson(report);
        else report.Write(run);
        return ExitStatus.Ok;
    }

    private static BenchPlan Plan(CommandRun run, GlobalOptions globals)
    {
        var plan = new BenchPlan(run.Parsed.GetValue(Jobs), run.Parsed.GetValue(Concurrency));
        if (plan.Jobs is < FewestJobs or > MostJobs) throw CommandException.BadUsage($"--jobs is {plan.Jobs}; it must be {FewestJobs} to {MostJobs}.");
        if (plan.Concurrency is < 1 or > MostConcurrency) throw CommandException.BadUsage($"--concurrency is {plan.Concurrency}; it must be 1 to {MostConcurrency}.");
        if (run.Parsed.GetValue(globals.Service) is not null) throw CommandException.BadUsage("The bench takes no --service: it makes a service of its own, so that it touches no jobs of others.");
        return plan;
    }

    // With no Redis to be found, a store of its own, as the demo has.
    private static async Task<EmbeddedGarnet?> StoreAsync(CommandRun run, GlobalOptions globals, CancellationToken cancellationToken)
    {
        if (RedisAddress.IsGiven(run.Parsed.GetValue(globals.Redis), run.Environment)) return null;
        var options = new Grains.Options.EmbeddedStoreOptions { Folder = Path.Combine(run.Environment.Folder, ".gristmill", "bench") };
        Say(run, "No Redis is given: measuring an embedded store (Garnet).");
        return await EmbeddedGarnet.StartAsync(options, NullLoggerFactory.Instance, run.Environment.Clock, cancellationToken);
    }

    // Beside the result, so that a script gets only that.
    private static void Say(CommandRun run, string line)
    {
        if (!run.IsJson) run.Environment.Error.WriteLine(Plain.Text(line));
    }
}

/// <summary>What is measured.</summary>
/// <param name="Jobs">How many jobs.</param>
/// <param name="Concurrency">Jobs at once.</param>
internal sealed record BenchPlan(int Jobs, int Concurrency);

/// <summary>What was measured.</summary>
/// <param name="Server">The server and its version.</param>
/// <param name="Jobs">How many jobs were timed.</param>
/// <param name="Concurrency">Jobs at once.</param>
/// <param name="Processors">Processors that this process may use; Redis shares them where it is on this machine.</param>
/// <param name="RedisRoundTripMs">A PING and its answer, the median.</param>
/// <param name="JobsPerSecond">From the first recorded outcome to the last.</param>
/// <param name="LatencyMs">From a push to an idle silo to the start of the handler.</param>
internal sealed record BenchReport(string Server, int Jobs, int Concurrency, int Processors, double RedisRoundTripMs, double JobsPerSecond, BenchLatency LatencyMs)
{
    /// <summary>Writes it for people.</summary>
    public void Write(CommandRun run)
    {
        var sheet = new FactSheet();
        sheet.Add("server", Server);
        sheet.Add("processors", Processors.ToString(CultureInfo.InvariantCulture));
        sheet.Add("redis round trip", Ms(RedisRoundTripMs));
        sheet.Add("throughput", string.Create(CultureInfo.InvariantCulture, $"{JobsPerSecond:#,0} jobs/s ({Jobs} no-op jobs of about 200 bytes, {Concurrency} at once)"));
        sheet.Add("push to start", $"median {Ms(LatencyMs.P50)}, 95 % {Ms(LatencyMs.P95)}, 99 % {Ms(LatencyMs.P99)}, longest {Ms(LatencyMs.Max)} ({LatencyMs.Pushes} pushes, one every {BenchLoad.PushPeriod.TotalMilliseconds:0} ms)");
        sheet.Write(run);
    }

    private static string Ms(double value) => string.Create(CultureInfo.InvariantCulture, $"{value:0.00} ms");
}

/// <summary>Percentiles of waits, ms.</summary>
internal sealed record BenchLatency(double P50, double P95, double P99, double Max, int Pushes)
{
    /// <summary>Of some waits.</summary>
    public static BenchLatency Of(IEnumerable<double> waits)
    {
        var sorted = waits.Order().ToList();
        double At(double part) => Math.Round(sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * part))], 3);
        return new BenchLatency(At(0.5), At(0.95), At(0.99), Math.Round(sorted[^1], 3), sorted.Count);
    }
}
