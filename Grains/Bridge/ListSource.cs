namespace Gristmill.Grains.Bridge;

/// <summary>One list of a queue, and what the bridge knows of it.</summary>
internal sealed class ListSource(string name, int priority, ListWaiter waiter)
{
    /// <summary>How long a list of the wrong type is left alone.</summary>
    public static readonly TimeSpan WrongTypeRest = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan FirstPoisonRest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LastPoisonRest = TimeSpan.FromSeconds(10);

    private TimeSpan _poisonRest = TimeSpan.Zero;
    private long _restFrom;
    private TimeSpan _rest = TimeSpan.Zero;

    public string Name => name;

    public int Priority => priority;

    public ListWaiter Waiter => waiter;

    /// <summary>Whether the list may have items.</summary>
    public bool Hint { get; set; } = true;

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
    public void Yielded(bool anyGood, TimeProvider clock)
    {
        if (anyGood)
        {
            _poisonRest = TimeSpan.Zero;
            return;
        }

        _poisonRest = _poisonRest == TimeSpan.Zero ? FirstPoisonRest : TimeSpan.FromTicks(Math.Min(_poisonRest.Ticks * 2, LastPoisonRest.Ticks));
        Rest(clock, _poisonRest);
    }
}
