using System.Collections.Concurrent;

namespace Gristmill.Engine;

/// <summary>
/// The activations of this silo. Every call that runs here comes through here and finds its activation, or causes one.
/// </summary>
internal sealed class ActivationCatalog(GrainEngine engine)
{
    private readonly ConcurrentDictionary<GrainId, Activation> _activations = new();
    private int _count;
    private volatile bool _closed = true;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Whether calls cause activations.</summary>
    public bool IsOpen => !_closed;

    /// <summary>The activations now.</summary>
    public IEnumerable<Activation> All => _activations.Values;

    public Activation? Find(GrainId grain) => _activations.GetValueOrDefault(grain);

    /// <summary>Lets calls cause activations.</summary>
    public void Open() => _closed = false;

    /// <summary>Gives a call to the grain's activation, if there is one.</summary>
    public bool TryDeliver(Call call) => _activations.TryGetValue(call.Target, out var activation) && TryDeliver(activation, call);

    /// <summary>Gives a call to the grain's activation, which it causes if there is none. What cannot be delivered is answered here.</summary>
    public void Deliver(Call call)
    {
        while (FindOrCreate(call) is { } activation)
        {
            if (TryDeliver(activation, call))
                return;
        }
    }

    public void Remove(Activation activation)
    {
        if (_activations.TryRemove(new(activation.Id, activation)))
            Interlocked.Decrement(ref _count);
    }

    /// <summary>Ends the activations that were last used before a time.</summary>
    /// <returns>How many.</returns>
    public int CollectIdleSince(long before) => _activations.Count(entry => entry.Value.DeactivateIfIdleSince(before));

    /// <summary>Ends all activations and lets no new ones begin.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        _closed = true;
        // An activation that was being created while the door closed is found in the next round.
        while (!_activations.IsEmpty)
        {
            var all = _activations.Values.ToList();
            foreach (var activation in all)
                activation.Deactivate(new(DeactivationReasonCode.ShuttingDown, "The silo is stopping."));
            await Task.WhenAll(all.Select(a => a.Ended)).WaitAsync(cancellationToken);
        }
    }

    private Activation? FindOrCreate(Call call)
    {
        if (_activations.TryGetValue(call.Target, out var known))
            return known;
        var grainClass = engine.Manifest.Class(call.Target.Type);
        if (_closed)
        {
            if (engine.Cluster is null || grainClass.LocalOnly)
                RefuseClosed(call);
            else
                engine.Router.TurnAway(call);
            return null;
        }

        if (Interlocked.Increment(ref _count) > engine.Options.MaxActivations)
        {
            Interlocked.Decrement(ref _count);
            Refuse(call, Outcome.Overloaded($"The silo {engine.Silo.Name} has {engine.Options.MaxActivations} activations, the most it takes ({nameof(GrainEngineOptions.MaxActivations)})."));
            return null;
        }

        var created = new Activation(engine, call.Target, grainClass);
        var winner = _activations.GetOrAdd(call.Target, created);
        if (ReferenceEquals(winner, created))
            created.Start();
        else
            Interlocked.Decrement(ref _count);
        return winner;
    }

    /// <summary>Answers a call that came when no more activations begin.</summary>
    public void RefuseClosed(Call call) =>
        Refuse(call, Outcome.Unavailable($"The silo {engine.Silo.Name} is not running; {call.Method} on {call.Target} did not run."));

    private bool TryDeliver(Activation activation, Call call)
    {
        if (!activation.TryDeliver(call, out var overloaded))
            return false;
        if (overloaded)
            Refuse(call, Outcome.Overloaded($"{call.Target} has {engine.Options.MaxCallsPerActivation} calls waiting or running, the most it takes ({nameof(GrainEngineOptions.MaxCallsPerActivation)})."));
        return true;
    }

    /// <summary>Answers a call that will not run; of a one-way call the log says it.</summary>
    public void Refuse(Call call, in Outcome outcome)
    {
        if (call.ReplyTo is null)
            engine.Log.OneWayCallRefused(call.Method.Name, call.Target, outcome.Error!.Message);
        call.Reply(outcome);
    }
}
