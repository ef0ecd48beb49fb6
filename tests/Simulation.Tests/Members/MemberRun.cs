using Gristmill.Engine;
using Gristmill.Simulation.Tests.Redis;
using Gristmill.Simulation.Tests.World;

namespace Gristmill.Simulation.Tests.Members;

/// <summary>One run: silos that join, work and suffer for a while, and then calm, in which all must agree.</summary>
internal sealed class MemberRun
{
    private const int Grains = 12;
    private static readonly TimeSpan LongestAbsence = TimeSpan.FromSeconds(5);
    private readonly SimFaults _faults;
    private readonly List<SimMember> _silos = [];
    private readonly TraceLog _log;
    private int _started;

    public MemberRun(int seed, SimFaults faults, int silos = 4)
    {
        _faults = faults;
        World = new SimWorld(seed);
        Server = new SimServer(World);
        _log = new TraceLog(World);
        for (var i = 0; i < silos; i++) Start();
        new FaultDriver(World, Server, faults, Troubled, () => [.. _silos.Select(s => (s.Process, s.Redis))], Replace).Begin();
    }

    public static TimeSpan Troubled { get; } = TimeSpan.FromSeconds(60);

    public static TimeSpan Calm { get; } = TimeSpan.FromSeconds(60);

    public SimWorld World { get; }

    public SimServer Server { get; }

    public IReadOnlyList<SimMember> Silos => _silos;

    public int TimesLost => _silos.Sum(s => s.TimesLost);

    /// <summary>Runs to the end; fails where a promise is broken.</summary>
    public void Run()
    {
        World.RunUntil(Troubled);
        foreach (var silo in _silos) silo.Process.Thaw();
        World.RunUntil(Troubled + Calm);
        Agree();
    }

    public SimMember Start()
    {
        var silo = new SimMember(World, Server, $"s{++_started}", Grains, _faults.HasFlag(SimFaults.Delays) ? 0.05 : 0, _log);
        silo.Activated += Alone;
        _silos.Add(silo);
        return silo;
    }

    private void Replace(SimProcess killed)
    {
        _silos.RemoveAll(s => s.Process == killed);
        World.After(World.Between(TimeSpan.Zero, LongestAbsence), () => Start());
    }

    // Who is sure of his membership is the only one of those who are so to have the grain. A clock that steps may count
    // somebody out before he can know it; frozen and killed ones cannot know it either.
    private void Alone(SimMember silo, GrainId grain)
    {
        if (_faults.HasFlag(SimFaults.Steps) || !silo.IsSure) return;
        foreach (var other in _silos.Where(o => o != silo && o.IsSure && o.Has(grain)))
        {
            World.Fail($"{grain} is active on {silo.Process.Name} and on {other.Process.Name}, and both are sure of their membership");
        }
    }

    // After the calm: all are members and see the same; nothing is left of those that are gone; each grain has one holder.
    private void Agree()
    {
        var living = _silos.Select(s => s.Membership.LocalSilo.Id).Order(StringComparer.Ordinal).ToList();
        foreach (var silo in _silos)
        {
            World.Expect(silo.IsSure, $"{silo.Process.Name} is {silo.Membership.LocalStatus} after {Calm.TotalSeconds} s of calm");
            var seen = silo.Membership.CurrentSnapshot.Members.Select(m => m.SiloAddress.Id).Order(StringComparer.Ordinal);
            World.Expect(seen.SequenceEqual(living), $"{silo.Process.Name} sees {string.Join(", ", seen)}; there are {string.Join(", ", living)}");
        }

        World.Expect((long)Server.Database.Do("ZCARD", [SimMember.Keys.Dead])! == 0, "traces of the dead are left");
        var directory = ((object?[])Server.Database.Do("HGETALL", [SimMember.Keys.Directory])!).Chunk(2).ToDictionary(p => (string)p[0]!, p => (string)p[1]!);
        foreach (var (grain, holder) in directory) World.Expect(living.Contains(holder), $"{grain} is held by {holder}, which is gone");
        foreach (var n in Enumerable.Range(0, Grains))
        {
            var grain = new GrainId("sim", $"{n}");
            var active = _silos.Where(s => s.Has(grain)).Select(s => s.Membership.LocalSilo.Id).ToList();
            World.Expect(active.Count <= 1, $"{grain} is active on {string.Join(" and ", active)}");
            if (active.Count == 1) World.Expect(directory.GetValueOrDefault(grain.ToString()) == active[0], $"{grain} is active on {active[0]}; the directory says {directory.GetValueOrDefault(grain.ToString()) ?? "nobody"}");
        }
    }
}
