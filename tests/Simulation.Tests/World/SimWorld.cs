namespace Gristmill.Simulation.Tests.World;

/// <summary>
/// A simulated world: one clock that jumps from event to event, one thread, and one seed from which all chance comes. The
/// same seed gives the same run, event for event.
/// </summary>
/// <remarks>
/// The code under test runs inside the events. It may await whatever the world's own parts give it, since these complete
/// their tasks without leaving the thread; what would go to the thread pool must stay outside.
/// </remarks>
internal sealed class SimWorld
{
    private const int KeptLines = 400;
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _events = new();
    private readonly Queue<string> _trace = new();
    private long _order;

    public SimWorld(int seed)
    {
        Seed = seed;
        Random = new Random(seed);
        Clock = new SimClock(this);
    }

    public int Seed { get; }

    public Random Random { get; }

    /// <summary>Since the world began.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>Why the run has failed; null while it has not.</summary>
    public SimFailure? Failure { get; private set; }

    /// <summary>The clock that nobody sets.</summary>
    public SimClock Clock { get; }

    /// <summary>The last things that happened, for who must find out why.</summary>
    public string Trace => string.Join('\n', _trace);

    /// <summary>Lets something happen after a while.</summary>
    public void After(TimeSpan delay, Action happens) => _events.Enqueue(happens, (Now + delay, _order++));

    /// <summary>Lets everything happen that is due until then.</summary>
    public void RunUntil(TimeSpan end)
    {
        while (_events.TryPeek(out _, out var next) && next.At <= end)
        {
            Now = next.At;
            _events.Dequeue()();
            if (Failure is not null) throw Failure;
        }

        Now = end;
    }

    /// <summary>Notes what happened.</summary>
    public void Note(string what)
    {
        _trace.Enqueue($"{Now.TotalSeconds,9:0.000} {what}");
        if (_trace.Count > KeptLines) _trace.Dequeue();
    }

    /// <summary>Ends the run: a promise is broken. The seed repeats it.</summary>
    /// <exception cref="SimFailure">Always.</exception>
    public void Fail(string why)
    {
        // Whoever called may catch what is thrown here; the run must not go on all the same.
        Failure ??= new SimFailure($"Seed {Seed} (GRISTMILL_SEED={Seed} repeats it), {Now.TotalSeconds:0.000} s: {why}\n{Trace}");
        throw Failure;
    }

    /// <summary>Fails unless it holds.</summary>
    public void Expect(bool holds, string otherwise)
    {
        if (!holds) Fail(otherwise);
    }

    /// <summary>A time between two bounds.</summary>
    public TimeSpan Between(TimeSpan least, TimeSpan most) => least + (most - least) * Random.NextDouble();

    /// <summary>Whether something happens that does so this often.</summary>
    public bool Chance(double probability) => Random.NextDouble() < probability;
}

/// <summary>A promise is broken.</summary>
internal sealed class SimFailure(string message) : Exception(message);

/// <summary>The world's time as .NET's: timestamps are ticks of 100 ns.</summary>
internal sealed class SimClock(SimWorld world) : TimeProvider
{
    private static readonly DateTimeOffset Beginning = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => world.Now.Ticks;

    public override DateTimeOffset GetUtcNow() => Beginning + world.Now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new SimTimer(world, () => callback(state), dueTime, period);

    private sealed class SimTimer : ITimer
    {
        private readonly SimWorld _world;
        private readonly Action _callback;
        private TimeSpan _period;
        private int _version;

        public SimTimer(SimWorld world, Action callback, TimeSpan dueTime, TimeSpan period)
        {
            (_world, _callback) = (world, callback);
            Change(dueTime, period);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period;
            _version++;
            if (dueTime != Timeout.InfiniteTimeSpan) Arm(dueTime, _version);
            return true;
        }

        public void Dispose() => _version++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }

        private void Arm(TimeSpan due, int version) => _world.After(due, () =>
        {
            if (version != _version) return;
            _callback();
            if (version == _version && _period != Timeout.InfiniteTimeSpan && _period > TimeSpan.Zero) Arm(_period, version);
        });
    }
}
