using Gristmill.Simulation.Tests.Redis;
using Gristmill.Simulation.Tests.World;

namespace Gristmill.Simulation.Tests.Leases;

/// <summary>One run: silos, a server, jobs pushed all along, faults for a while, and then calm, in which the rest must be done.</summary>
internal sealed class LeaseRun
{
    private static readonly TimeSpan LongestAbsence = TimeSpan.FromSeconds(5);
    private readonly SimSchedule _schedule;
    private readonly SimWorld _world;
    private readonly SimServer _server;
    private readonly List<SimSilo> _silos = [];
    private readonly TraceLog _log;
    private int _started;

    public LeaseRun(int seed, SimSchedule schedule)
    {
        _schedule = schedule;
        _world = new SimWorld(seed);
        _server = new SimServer(_world);
        _log = new TraceLog(_world);
        Ledger = new LeaseLedger(_world, _server);
    }

    public SimWorld World => _world;

    public SimServer Server => _server;

    public LeaseLedger Ledger { get; }

    public IReadOnlyList<SimSilo> Silos => _silos;

    /// <summary>Runs to the end; fails where a promise is broken.</summary>
    public void Run()
    {
        Prepare();
        _world.RunUntil(_schedule.Troubled);
        Calm();
        _world.RunUntil(_schedule.Troubled + _schedule.Calm);
        _world.Expect(Ledger.Completed == _schedule.Jobs, $"{Ledger.Completed} of {_schedule.Jobs} jobs were completed after {_schedule.Calm.TotalSeconds} s of calm");
    }

    /// <summary>Starts the silos, and lets jobs and faults come.</summary>
    public void Prepare()
    {
        Ledger.Reaped += NobodyWorksOn;
        for (var i = 0; i < _schedule.Silos; i++) StartSilo();
        for (var i = 0; i < _schedule.Jobs; i++)
        {
            var payload = $"{{\"n\":{i}}}";
            _world.After(_world.Between(TimeSpan.Zero, _schedule.Troubled), () => _server.Database.Do("RPUSH", ["pushed", payload]));
        }

        new FaultDriver(_world, _server, _schedule.Faults, _schedule.Troubled, () => [.. _silos.Select(s => (s.Process, s.Redis))], Replace).Begin();
    }

    public SimSilo StartSilo()
    {
        var silo = new SimSilo(_world, _server, $"s{++_started}", _schedule, _log);
        _silos.Add(silo);
        return silo;
    }

    private void Replace(SimProcess killed)
    {
        _silos.RemoveAll(s => s.Process == killed);
        _world.After(_world.Between(TimeSpan.Zero, LongestAbsence), () => StartSilo());
    }

    // What has been given to others is not worked on by whoever had it before, unless he cannot know: frozen, dead, or misled
    // by a clock that stepped.
    private void NobodyWorksOn(string generation)
    {
        if (_schedule.Faults.HasFlag(SimFaults.Steps)) return;
        foreach (var silo in _silos.Where(s => s.Generation == generation && s.Process.Runs))
        {
            // A sweep of its own may still be due.
            _world.After(TimeSpan.FromMilliseconds(100), () => _world.Expect(
                !silo.Process.Runs || silo.Generation != generation || silo.Running == 0, $"{silo.Process.Name} works on after its lease {generation} has expired"));
        }
    }

    private void Calm()
    {
        _world.Note("calm");
        foreach (var silo in _silos) silo.Process.Thaw();
    }
}
