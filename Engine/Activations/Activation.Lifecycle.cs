using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Engine;

// How an activation begins and ends.
internal sealed partial class Activation
{
    /// <summary>Begins the activation, as its first turn.</summary>
    public void Start() => RunTurn(ActivateAsync);

    /// <summary>Ends the activation once what runs now has ended. The first reason given counts.</summary>
    public void Deactivate(DeactivationReason reason)
    {
        lock (_gate)
        {
            if (_phase == Phase.Activating && _reason.ReasonCode == DeactivationReasonCode.None)
                _reason = reason;
            if (_phase != Phase.Active)
                return;
            BeginDeactivation(reason);
        }

        RunTurn(EndAsync);
    }

    /// <summary>Ends the activation if nothing waits or runs and its last use was before a time.</summary>
    public bool DeactivateIfIdleSince(long before)
    {
        lock (_gate)
        {
            if (_phase != Phase.Active || !_mailbox.IsIdle || Volatile.Read(ref _lastUse) > before)
                return false;
            BeginDeactivation(new(DeactivationReasonCode.ActivationIdle, "The activation was idle for longer than the collection age."));
        }

        RunTurn(EndAsync);
        return true;
    }

    private void BeginDeactivation(DeactivationReason reason)
    {
        _phase = Phase.Deactivating;
        _reason = reason;
        _drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_mailbox.Running == 0)
            _drained.SetResult();
    }

    private async Task ActivateAsync()
    {
        try
        {
            if (Directory is { } directory)
            {
                if (await directory.RegisterAsync(Id) is { } holder)
                {
                    MoveOn(holder);
                    return;
                }

                _registered = true;
            }

            _scope = Engine.Services.CreateAsyncScope();
            var states = Array.ConvertAll(Class.States, CreateState);
            _instance = Construct(states);
            await BoundedAsync(Engine.Options.ActivationTimeout, async token =>
            {
                foreach (var state in states)
                    await state.ReadStateAsync(token);
                if (Class.Activates)
                    await _instance.OnActivateAsync(token);
            }, unneeded: states.Length == 0 && !Class.Activates);
        }
        catch (Exception failure)
        {
            Engine.Log.ActivationFailed(failure, Id);
            await FailAsync(failure);
            return;
        }

        bool end;
        lock (_gate)
        {
            _phase = Phase.Active;
            end = _reason.ReasonCode != DeactivationReasonCode.None;
            if (end)
                BeginDeactivation(_reason);
        }

        if (end)
            await EndAsync();
        else
            Pump();
    }

    private Grain Construct(PersistentState[] states)
    {
        s_underConstruction = this;
        try
        {
            return Class.Create(Services, states);
        }
        finally
        {
            s_underConstruction = null;
        }
    }

    private PersistentState CreateState(StateParameter parameter) => PersistentState.Create(Engine, this, parameter);

    /// <summary>The activation never was: another silo has the grain, and what waits goes there.</summary>
    private void MoveOn(string holder)
    {
        foreach (var item in Leave())
        {
            if (item is Call call)
                Engine.Router.MoveOn(call, holder);
        }

        _ended.TrySetResult();
    }

    /// <summary>The activation never was: every call that waits for it fails with what it failed with.</summary>
    private async Task FailAsync(Exception failure)
    {
        StopTimers();
        await DisposeAsync();
        await UnregisterAsync();
        foreach (var item in Leave())
            (item as Call)?.Reply(Outcome.Failed(failure));
        _ended.TrySetResult();
    }

    private async Task EndAsync()
    {
        StopTimers();
        try
        {
            await _drained!.Task.WaitAsync(Engine.Options.DeactivationTimeout, Engine.Time);
        }
        catch (TimeoutException)
        {
            Engine.Log.CallsOutliveActivation(Id, _mailbox.Running, Engine.Options.DeactivationTimeout);
        }

        try
        {
            await BoundedAsync(
                Engine.Options.DeactivationTimeout, token => _instance!.OnDeactivateAsync(_reason, token), unneeded: !Class.Deactivates);
        }
        catch (Exception failure)
        {
            Engine.Log.DeactivationFailed(failure, Id);
        }

        await DisposeAsync();
        await UnregisterAsync();
        foreach (var item in Leave())
        {
            if (item is Call call)
                Engine.Router.Forward(call);
        }

        _ended.TrySetResult();
    }

    // When the directory cannot be told, it names this silo on: a call that it sends here causes a new activation here.
    private async Task UnregisterAsync()
    {
        if (!_registered)
            return;
        try
        {
            await Directory!.UnregisterAsync(Id);
        }
        catch (GristmillException untold)
        {
            Engine.Log.NotUnregistered(Id, untold.Message);
        }
    }

    /// <summary>Leaves the catalog and takes along what still waits; from here on calls go to a new activation.</summary>
    private List<MailboxItem> Leave()
    {
        Engine.Catalog.Remove(this);
        lock (_gate)
        {
            _phase = Phase.Gone;
            return _mailbox.TakeAll();
        }
    }

    private async Task DisposeAsync()
    {
        try
        {
            if (_instance is IAsyncDisposable asyncDisposable)
                await asyncDisposable.DisposeAsync();
            else if (_instance is IDisposable disposable)
                disposable.Dispose();
            if (_scope is { } scope)
                await scope.DisposeAsync();
        }
        catch (Exception failure)
        {
            Engine.Log.DeactivationFailed(failure, Id);
        }
    }

    // A grain that ignores its token is left behind after the limit; it can no longer be called.
    private async Task BoundedAsync(TimeSpan limit, Func<CancellationToken, Task> action, bool unneeded)
    {
        if (unneeded)
            return;
        using var source = new CancellationTokenSource(limit, Engine.Time);
        try
        {
            await action(source.Token).WaitAsync(source.Token);
        }
        catch (OperationCanceledException) when (source.IsCancellationRequested)
        {
            throw new TimeoutException($"{Id} took longer than {limit}.");
        }
    }
}
