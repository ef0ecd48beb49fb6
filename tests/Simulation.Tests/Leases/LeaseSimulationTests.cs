using Gristmill.Simulation.Tests.World;

namespace Gristmill.Simulation.Tests.Leases;

/// <summary>
/// The leases of the job store under simulated time and faults: the product's scripts and lease keeper, thousands of
/// schedules, each repeatable by its seed. GRISTMILL_SEED runs one; GRISTMILL_LONG=1 runs forty times as many.
/// </summary>
public sealed class LeaseSimulationTests
{
    [Fact]
    public void Without_faults_every_job_is_done_and_no_lease_expires()
    {
        foreach (var seed in Seeds.Of(20))
        {
            var run = new LeaseRun(seed, new SimSchedule { Faults = SimFaults.None, Calm = TimeSpan.FromSeconds(30) });
            run.Run();
            run.World.Expect(run.Ledger.Expired == 0, $"{run.Ledger.Expired} leases expired without a fault");
        }
    }

    [Fact]
    public void Stall_or_restart_of_the_server_takes_no_job_from_anyone()
    {
        foreach (var seed in Seeds.Of(80))
        {
            var run = new LeaseRun(seed, new SimSchedule { Faults = SimFaults.Stalls });
            run.Run();
            run.World.Expect(run.Ledger.Expired == 0, $"{run.Ledger.Expired} leases expired, though only the server stood still");
        }
    }

    [Fact]
    public void Jobs_of_a_silo_that_was_killed_are_running_elsewhere_within_eight_seconds()
    {
        foreach (var seed in Seeds.Of(50))
        {
            var run = new LeaseRun(seed, new SimSchedule { Faults = SimFaults.None });
            run.Prepare();
            run.World.RunUntil(run.World.Between(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(40)));
            var victim = run.Silos[run.World.Random.Next(run.Silos.Count)];
            var generation = victim.Generation;
            victim.Process.Kill();
            run.World.RunUntil(run.World.Now + TimeSpan.FromSeconds(8));
            var running = (object?[])run.Server.Database.Do("HVALS", [SimSilo.Keys.Of("running")])!;
            run.World.Expect(!running.Any(r => ((string)r!).Contains(generation, StringComparison.Ordinal)), $"8 s after {generation} was killed the store still says that it runs jobs");
        }
    }

    [Theory]
    [InlineData((int)SimFaults.Cuts, 60)]
    [InlineData((int)SimFaults.Freezes, 60)]
    [InlineData((int)SimFaults.Kills, 60)]
    [InlineData((int)SimFaults.Steps, 60)]
    [InlineData((int)SimFaults.Delays, 60)]
    [InlineData((int)(SimFaults.All & ~SimFaults.Steps), 120)]
    [InlineData((int)SimFaults.All, 120)]
    public void Under_faults_every_job_has_one_outcome_and_one_holder_at_a_time(int faults, int schedules)
    {
        foreach (var seed in Seeds.Of(schedules)) new LeaseRun(seed, new SimSchedule { Faults = (SimFaults)faults }).Run();
    }
}
