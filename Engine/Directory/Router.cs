using System.Collections.Concurrent;

namespace Gristmill.Engine;

/// <summary>
/// Decides where a call runs.
/// Called by: <see cref="CallSender"/> (<see cref="Send"/>), activations that end before a call began (<see cref="Forward"/>)
/// or find that another silo has their grain (<see cref="MoveOn"/>), and <see cref="Inbox"/> (<see cref="Receive"/>).
/// Steps: an activation here takes it, and nothing leaves the process; else the silo where the grain was found last; else the
/// one that the directory names; else one chosen by the class's placement, which registers the grain when it activates it.
/// A place that proves wrong costs a forward, of which a call has eight; a call that is forwarded has not begun.
/// </summary>
internal sealed class Router(GrainEngine engine, Random random)
{
    private readonly LocationCache _cache = new(engine.Options.MaxCachedLocations);
    private readonly ConcurrentDictionary<Task, bool> _turningAway = new();
    private readonly Lock _gate = new();

    private Membership Members => engine.Cluster!.Membership;

    private bool MayActivateHere => engine.Catalog.IsOpen && !Members.IsDraining;

    /// <summary>A call from this silo.</summary>
    public void Send(Call call)
    {
        if (!engine.Catalog.TryDeliver(call))
            SendOn(call);
    }

    /// <summary>A call from another silo.</summary>
    public void Receive(Call call)
    {
        if (engine.Catalog.TryDeliver(call))
            return;
        if (Members.IsDraining && OthersHost(call.Target.Type))
            TurnAway(call);
        else
            engine.Catalog.Deliver(call);
    }

    /// <summary>Moves a call on from an activation that has ended before the call began.</summary>
    public void Forward(Call call)
    {
        if (!TryForward(call))
            return;
        if (call.ReplyTo is RemoteReply)
            Receive(call);
        else
            Send(call);
    }

    /// <summary>Moves a call on to the member that holds its grain.</summary>
    public void MoveOn(Call call, string holder)
    {
        _cache.Set(call.Target, holder);
        if (call.ReplyTo is RemoteReply caller)
            caller.Moved(call, holder);
        else if (TryForward(call))
            engine.Cluster!.Silos.Of(holder).Send(call);
    }

    /// <summary>The member that a call was sent to has not run it, and names the holder, or knows none.</summary>
    public void Moved(Call call, string? holder)
    {
        if (holder is null)
            _cache.Remove(call.Target);
        else
            _cache.Set(call.Target, holder);
        if (TryForward(call))
            Send(call);
    }

    /// <summary>A call came for a grain that cannot be activated here. If this silo is still registered for it, it is so no more.</summary>
    public void TurnAway(Call call)
    {
        using var flow = SuppressedFlow.Begin();
        var turning = TurnAwayAsync(call);
        if (turning.IsCompleted)
            return;
        _turningAway[turning] = true;
        _ = turning.ContinueWith(done => _turningAway.TryRemove(done, out bool _), TaskScheduler.Default);
    }

    /// <summary>Completes when the calls that are being turned away have been.</summary>
    public Task TurnedAway => Task.WhenAll(_turningAway.Keys);

    /// <summary>The directory has answered where a call's grain is.</summary>
    public void Located(Call call, string? holder, Exception? failure)
    {
        if (failure is not null)
            Refuse(call, $"the grain directory cannot be asked: {failure.Message}");
        else if (holder is null)
            Place(call);
        else if (holder == Members.LocalSilo.Id)
            engine.Catalog.Deliver(call);
        else
            SendTo(call, holder);
    }

    private void SendOn(Call call)
    {
        var grainClass = engine.Manifest.Class(call.Target.Type);
        if (engine.Cluster is null || grainClass.LocalOnly)
        {
            engine.Catalog.Deliver(call);
            return;
        }

        if (!Members.IsMember)
        {
            Refuse(call, $"{engine.Silo} is no member of its cluster now.");
            return;
        }

        if (_cache.Find(call.Target) is { } known && Members.CurrentSnapshot.Find(known) is not null && known != Members.LocalSilo.Id)
            engine.Cluster.Silos.Of(known).Send(call);
        else if (MayActivateHere && (grainClass.PrefersLocal || !OthersHost(grainClass.Name)))
            engine.Catalog.Deliver(call);
        else
            Locate(call);
    }

    private void Locate(Call call)
    {
        if (!engine.Cluster!.Locator.TryLocate(call))
            engine.Catalog.Refuse(call, Outcome.Overloaded($"Too many calls wait for the grain directory; {call.Method} on {call.Target} did not run."));
    }

    private void Place(Call call)
    {
        var grainClass = engine.Manifest.Class(call.Target.Type);
        var hosts = Members.CurrentSnapshot.HostsOf(grainClass.Name);
        if (hosts.Length == 0 || (grainClass.PrefersLocal && MayActivateHere))
        {
            // With nobody else to take it, a silo that drains does.
            engine.Catalog.Deliver(call);
            return;
        }

        var chosen = hosts[Choose(hosts.Length)].SiloAddress;
        if (chosen == Members.LocalSilo)
            engine.Catalog.Deliver(call);
        else
            SendTo(call, chosen.Id);
    }

    private void SendTo(Call call, string member)
    {
        _cache.Set(call.Target, member);
        engine.Cluster!.Silos.Of(member).Send(call);
    }

    private async Task TurnAwayAsync(Call call)
    {
        try
        {
            await engine.Cluster!.Locator.UnregisterAsync(call.Target).ConfigureAwait(false);
        }
        catch (GristmillException)
        {
            // Then the directory names this silo until it is gone, and the forwards of the call run out.
        }

        if (call.ReplyTo is RemoteReply caller)
            caller.Moved(call, holder: null);
        else if (!Members.IsMember || !OthersHost(call.Target.Type))
            engine.Catalog.RefuseClosed(call);
        else if (TryForward(call))
            Locate(call);
    }

    private bool OthersHost(string grainClass)
    {
        var hosts = Members.CurrentSnapshot.HostsOf(grainClass);
        return hosts.Length > 1 || (hosts.Length == 1 && hosts[0].SiloAddress != Members.LocalSilo);
    }

    private bool TryForward(Call call)
    {
        if (call.TryForward())
            return true;
        Refuse(call, "its grain ended or moved again and again before it could begin.");
        return false;
    }

    private void Refuse(Call call, string why) =>
        engine.Catalog.Refuse(call, Outcome.Unavailable($"{call.Method} on {call.Target} did not run: {why}"));

    private int Choose(int count)
    {
        lock (_gate)
        {
            return random.Next(count);
        }
    }
}
