using System.Collections.Concurrent;

namespace Gristmill.Engine;

/// <summary>
/// The activations of this silo. Every call for a grain of this silo comes through here and finds its activation, or
/// causes one.
/// </summary>
internal sealed class ActivationCatalog(GrainEngine engine)
{
    private readonly ConcurrentDictionary<GrainId, Activation> _activations = new();
    private int _count;
    private volatile bool _closed = true;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Lets calls cause activations.</summary>
    public void Open() => _closed = false;

    /// <summary>Gives a call to the grain's activation. What cannot be delivered is answered here.</summary>
    public void Deliver(Call call)
    {
        while (FindOrCreate(call) is { } activation)
        {
            if (!activation.TryDeliver(call, out var overloaded))
                continue;
            if (overloaded)
                Refuse(call, Outcome.Overloaded($"{call.Target} has {engine.Options.MaxCallsPerActivation} calls waiting or running, the most it takes ({nameof(GrainEngineOptions.MaxCallsPerActivation)})."));
            return;
        }
    }

    /// <summary>Moves a call on from an activation that has ended before the call began.</summary>
    public void Forward(Call call)
    {
        if (call.TryForward())
            Deliver(call);
        else
            Refuse(call, Outcome.Unavailable($"{call.Target} ended again and again before {call.Method} could begin."));
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
        if (_closed)
        {
            Refuse(call, Outcome.Unavailable($"The silo {engine.Silo.Name} is not running; {call.Method} on {call.Target} did not run."));
            return null;
        }

        if (Interlocked.Increment(ref _count) > engine.Options.MaxActivations)
        {
            Interlocked.Decrement(ref _count);
            Refuse(call, Outcome.Overloaded($"The silo {engine.Silo.Name} has {engine.Options.MaxActivations} activations, the most it takes ({nameof(GrainEngineOptions.MaxActivations)})."));
            return null;
        }

        var created = new Activation(engine, call.Target, engine.Manifest.Class(call.Target.Type));
        var winner = _activations.GetOrAdd(call.Target, created);
        if (ReferenceEquals(winner, created))
            created.Start();
        else
            Interlocked.Decrement(ref _count);
        return winner;
    }

    /// <summary>Answers a call that will not run; of a one-way call the log says it.</summary>
    public void Refuse(Call call, in Outcome outcome)
    {
        if (call.ReplyTo is null)
            engine.Log.OneWayCallRefused(call.Method.Name, call.Target, outcome.Error!.Message);
        call.Reply(outcome);
    }
}
