namespace Gristmill.Grains.Bridge;

/// <summary>One list of a queue, and what the bridge knows of it.</summary>
internal sealed class ListSource(string name, int priority, ListWaiter waiter)
{
    /// <summary>How long a list of the wrong type is left alone.</summary>
    public static readonly TimeSpan WrongTypeRest = TimeSpan.FromSeconds(5);

    // The rest is counted by the item, so that what a claim of one takes (a large item, a single slot) costs no more time
    // than what a claim of hundreds takes; it doubles with each PoisonStep in a row.
    private const int PoisonStep = 512;
    private static readonly TimeSpan FirstPoisonRest = TimeSpan.FromMilliseconds(0.2);
    private static readonly TimeSpan LastPoisonRest = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(10);

    private long _poison;
    private long _restFrom;
    private TimeSpan _rest = TimeSpan.Zero;
    private volatile bool _hint = true;
    private volatile bool _isSuspect = true;

    public string Name => name;

    public int Priority => priority;

    public ListWaiter Waiter => waiter;

    /// <summary>Whether the list may have items. Set from any thread.</summary>
    public bool Hint
    {
        get => _hint;
        set => _hint = value;
    }

    /// <summary>Whether it may be another library's: to be looked at before it is claimed. Set from any thread.</summary>
    public bool IsSuspect
    {
        get => _isSuspect;
        set => _isSuspect = value;
    }

    /// <summary>What keeps the list from being claimed, for people; null when nothing does.</summary>
    public string? Trouble { get; set; }

    /// <summary>Leaves the list alone for a while.</summary>
    public void Rest(TimeProvider clock, TimeSpan time)
    {
        _restFrom = clock.GetTimestamp();
        _rest = time;
    }

    public bool Rests(TimeProvider clock) => _rest > TimeSpan.Zero && clock.GetElapsedTime(_restFrom) < _rest;

    /// <summary>A claim brought items. A list that yields nothing but poison is asked ever more slowly.</summary>
    /// <param name="taken">How many it took.</param>
    /// <param name="good">How many of them can be jobs.</param>
    /// <param name="clock">The clock of the rest.</param>
    public void Yielded(int taken, int good, TimeProvider clock)
    {
        if (good > 0)
        {
            _poison = 0;
            return;
        }

        var each = FirstPoisonRest * Math.Pow(2, Math.Min(_poison / PoisonStep, 20));
        var rest = taken * (each < LastPoisonRest ? each : LastPoisonRest);
        _poison += taken;
        if (rest >= ShortestRest) Rest(clock, rest < LongestRest ? rest : LongestRest);
    }
}
