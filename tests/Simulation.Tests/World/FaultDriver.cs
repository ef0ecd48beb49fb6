using Gristmill.Simulation.Tests.Redis;

namespace Gristmill.Simulation.Tests.World;

/// <summary>Makes faults of the chosen kinds happen at random, some at once, until a time; then what is frozen thaws.</summary>
/// <param name="world">The world.</param>
/// <param name="server">The server that may stall, restart, or have its clock set.</param>
/// <param name="kinds">The faults that may happen.</param>
/// <param name="until">No fault begins later.</param>
/// <param name="processes">Who runs now, with his connection.</param>
/// <param name="killed">Called with one that was killed; it is to be replaced.</param>
internal sealed class FaultDriver(
    SimWorld world, SimServer server, SimFaults kinds, TimeSpan until, Func<IReadOnlyList<(SimProcess Process, SimClient Redis)>> processes, Action<SimProcess> killed)
{
    private static readonly TimeSpan LongestFault = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LongestPeace = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan LongestStep = TimeSpan.FromSeconds(30);

    private readonly SimFaults[] _kinds =
        [.. Enum.GetValues<SimFaults>().Where(f => f is not (SimFaults.None or SimFaults.All or SimFaults.Delays) && kinds.HasFlag(f))];

    public void Begin()
    {
        if (_kinds.Length == 0) return;
        world.After(world.Between(TimeSpan.Zero, LongestPeace), () =>
        {
            if (world.Now >= until) return;
            var all = processes();

            // With nobody there, the next one is on its way.
            if (all.Count > 0) Happen(_kinds[world.Random.Next(_kinds.Length)], all[world.Random.Next(all.Count)]);
            Begin();
        });
    }

    private void Happen(SimFaults fault, (SimProcess Process, SimClient Redis) victim)
    {
        var length = world.Between(TimeSpan.Zero, LongestFault);
        switch (fault)
        {
            case SimFaults.Stalls when world.Chance(0.3):
                server.Restart(length / 4);
                break;
            case SimFaults.Stalls:
                server.Pause(length);
                break;
            case SimFaults.Cuts:
                victim.Redis.Cut(length);
                break;
            case SimFaults.Freezes when victim.Process.Runs:
                victim.Process.Freeze();
                world.After(length, victim.Process.Thaw);
                break;
            case SimFaults.Kills:
                victim.Process.Kill();
                killed(victim.Process);
                break;
            case SimFaults.Steps:
                server.StepClock(world.Between(-LongestStep, LongestStep));
                break;
        }
    }
}
