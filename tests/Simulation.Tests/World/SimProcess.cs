namespace Gristmill.Simulation.Tests.World;

/// <summary>
/// A simulated process: its events happen while it runs, wait while it is frozen, and never happen once it was killed.
/// </summary>
internal sealed class SimProcess(SimWorld world, string name)
{
    private readonly Queue<Action> _waiting = new();

    public string Name => name;

    public bool IsKilled { get; private set; }

    public bool IsFrozen { get; private set; }

    public bool Runs => !IsKilled && !IsFrozen;

    /// <summary>Lets something happen in the process after a while.</summary>
    public void After(TimeSpan delay, Action happens) => world.After(delay, () => Do(happens));

    /// <summary>Lets something happen in the process now, or when it thaws.</summary>
    public void Do(Action happens)
    {
        if (IsKilled) return;
        if (IsFrozen) _waiting.Enqueue(happens);
        else happens();
    }

    public void Kill()
    {
        world.Note($"{name}: killed");
        IsKilled = true;
        _waiting.Clear();
    }

    public void Freeze()
    {
        world.Note($"{name}: frozen");
        IsFrozen = true;
    }

    public void Thaw()
    {
        if (!IsFrozen) return;
        world.Note($"{name}: thawed");
        IsFrozen = false;
        while (Runs && _waiting.TryDequeue(out var next)) next();
    }
}
