using Gristmill.Simulation.Tests.Redis;
using Gristmill.Simulation.Tests.World;
using Microsoft.Extensions.Logging;

namespace Gristmill.Simulation.Tests.Leases;

/// <summary>One run: silos, a server, jobs pushed all along, faults for a while, and then calm, in which the rest must be done.</summary>
internal sealed class LeaseRun
{
    private static readonly TimeSpan LongestFault = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LongestPeace = TimeSpan.FromSeconds(8);
    private readonly SimSchedule _schedule;
    private readonly SimWorld _world;
    private readonly SimServer _server;
    private readonly List<SimSilo> _silos = [];
    private readonly ILogger _log;
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

        if (_schedule.Faults != SimFaults.None) NextFault();
    }

    public SimSilo StartSilo()
    {
        var silo = new SimSilo(_world, _server, $"s{++_started}", _schedule, _log);
        _silos.Add(silo);
        return silo;
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

    private void NextFault() => _world.After(_world.Between(TimeSpan.Zero, LongestPeace), () =>
    {
        if (_world.Now >= _schedule.Troubled) return;
        if (_silos.Count == 0)
        {
            // All were killed; the next one is on its way.
            NextFault();
            return;
        }

        var kinds = Enum.GetValues<SimFaults>().Where(f => f is not (SimFaults.None or SimFaults.All or SimFaults.Delays) && _schedule.Faults.HasFlag(f)).ToList();
        if (kinds.Count > 0) Happen(kinds[_world.Random.Next(kinds.Count)]);
        NextFault();
    });

    private void Happen(SimFaults fault)
    {
        var length = _world.Between(TimeSpan.Zero, LongestFault);
        var silo = _silos[_world.Random.Next(_silos.Count)];
        switch (fault)
        {
            case SimFaults.Stalls when _world.Chance(0.3):
                _server.Restart(length / 4);
                break;
            case SimFaults.Stalls:
                _server.Pause(length);
                break;
            case SimFaults.Cuts:
                silo.Redis.Cut(length);
                break;
            case SimFaults.Freezes when silo.Process.Runs:
                silo.Process.Freeze();
                _world.After(length, silo.Process.Thaw);
                break;
            case SimFaults.Kills:
                silo.Process.Kill();
                _silos.Remove(silo);
                _world.After(length / 4, () => StartSilo());
                break;
            case SimFaults.Steps:
                _server.StepClock(_world.Between(TimeSpan.FromSeconds(-30), TimeSpan.FromSeconds(30)));
                break;
        }
    }

    private void Calm()
    {
        _world.Note("calm");
        foreach (var silo in _silos) silo.Process.Thaw();
    }

    private sealed class TraceLog(SimWorld world) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            world.Note($"log {eventId.Id}: {formatter(state, exception)}");
    }
}
