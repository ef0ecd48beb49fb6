using Gristmill.Simulation.Tests.World;

namespace Gristmill.Simulation.Tests.Members;

/// <summary>
/// The engine's membership and grain directory under simulated time and faults: the product's scripts and classes, thousands
/// of schedules, each repeatable by its seed. GRISTMILL_SEED runs one; GRISTMILL_LONG=1 runs forty times as many.
/// </summary>
public sealed class MemberSimulationTests
{
    private static readonly TimeSpan ASecond = TimeSpan.FromSeconds(1);

    [Fact]
    public void Stall_or_restart_of_the_server_counts_nobody_out()
    {
        foreach (var seed in Seeds.Of(150))
        {
            var run = new MemberRun(seed, SimFaults.Stalls);
            run.Run();
            run.World.Expect(run.TimesLost == 0, $"{run.TimesLost} silos were counted out, though only the server stood still");
        }
    }

    [Fact]
    public void Every_silo_sees_a_new_one_and_the_end_of_one_within_a_second()
    {
        foreach (var seed in Seeds.Of(150))
        {
            var run = new MemberRun(seed, SimFaults.None);
            run.World.RunUntil(TimeSpan.FromSeconds(10));
            var newcomer = run.Start();
            run.World.RunUntil(run.World.Now + SimMember.Options.MembershipRenew + ASecond);
            foreach (var silo in run.Silos)
                run.World.Expect(silo.Membership.CurrentSnapshot.Find(newcomer.Membership.LocalSilo.Id) is not null, $"{silo.Process.Name} does not see {newcomer.Process.Name}");

            newcomer.Process.Kill();

            // Its membership expires, and somebody's renewal must find that.
            run.World.RunUntil(run.World.Now + SimMember.Options.MembershipTtl + SimMember.Options.MembershipRenew + ASecond);
            foreach (var silo in run.Silos.Where(s => s.Process.Runs))
                run.World.Expect(silo.Membership.CurrentSnapshot.Find(newcomer.Membership.LocalSilo.Id) is null, $"{silo.Process.Name} still sees {newcomer.Process.Name}, which was killed");
        }
    }

    [Theory]
    [InlineData((int)SimFaults.Cuts, 100)]
    [InlineData((int)SimFaults.Freezes, 100)]
    [InlineData((int)SimFaults.Kills, 100)]
    [InlineData((int)SimFaults.Steps, 100)]
    [InlineData((int)SimFaults.Delays, 100)]
    [InlineData((int)(SimFaults.All & ~SimFaults.Steps), 200)]
    [InlineData((int)SimFaults.All, 200)]
    public void Under_faults_no_grain_is_active_twice_where_silos_are_sure_and_in_the_end_all_agree(int faults, int schedules)
    {
        foreach (var seed in Seeds.Of(schedules)) new MemberRun(seed, (SimFaults)faults).Run();
    }
}
