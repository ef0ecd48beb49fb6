using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Engine;

/// <summary>
/// One grain in memory. Calls arrive from any thread (<see cref="TryDeliver"/>), wait in the mailbox, and run as turns
/// of the activation's own scheduler.
/// </summary>
/// <remarks>
/// The way of an activation: the catalog creates it for a first call; <see cref="ActivateAsync"/> registers the grain
/// in the directory, makes the instance, reads its states and runs OnActivateAsync; then the pump begins what may begin. <see cref="Deactivate"/> lets
/// nothing more begin; when what runs has ended, <see cref="EndAsync"/> stops the timers, runs OnDeactivateAsync,
/// leaves the directory and the catalog, and moves what still waits to the next activation. Guarded by the lock: the phase, the mailbox
/// and the timers. Everything else is touched by turns only.
/// </remarks>
internal sealed partial class Activation
{
    /// <summary>After so many calls begun in a row the pump queues itself behind the activation's other turns.</summary>
    private const int CallsPerPump = 64;

    [ThreadStatic]
    private static Activation? s_underConstruction;

    private readonly Lock _gate = new();
    private readonly Mailbox _mailbox;
    private readonly ActivationTaskScheduler _scheduler;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Grain? _instance;
    private AsyncServiceScope? _scope;
    private Phase _phase = Phase.Activating;
    private DeactivationReason _reason;
    private TaskCompletionSource? _drained;
    private long _lastUse;
    private bool _pumping;
    private bool _registered;

    public Activation(GrainEngine engine, GrainId id, GrainClass grainClass)
    {
        Engine = engine;
        Id = id;
        Class = grainClass;
        _mailbox = new Mailbox(grainClass.Reentrant);
        _scheduler = new ActivationTaskScheduler(Pump);
        _lastUse = engine.Time.GetTimestamp();
    }

    private enum Phase
    {
        Activating,
        Active,
        Deactivating,
        Gone,
    }

    /// <summary>The activation whose grain's constructor runs on this thread.</summary>
    public static Activation? UnderConstruction => s_underConstruction;

    public GrainEngine Engine { get; }

    public GrainId Id { get; }

    public GrainClass Class { get; }

    /// <summary>The directory that knows of the grain; null for one that is bound to its silo, and where there is no cluster.</summary>
    public GrainLocator? Directory => Class.LocalOnly ? null : Engine.Cluster?.Locator;

    public Grain Instance => _instance ?? throw new InvalidOperationException($"{Id} is not activated.");

    public IServiceProvider Services => _scope!.Value.ServiceProvider;

    /// <summary>Completes when the activation has left the catalog and its last turn has run.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Queues an item. False when the activation has ended: there is, or can be, another one.</summary>
    public bool TryDeliver(MailboxItem item, out bool overloaded)
    {
        lock (_gate)
        {
            overloaded = false;
            if (_phase == Phase.Gone)
                return false;
            if (item is Call && _mailbox.Waiting + _mailbox.Running >= Engine.Options.MaxCallsPerActivation)
            {
                overloaded = true;
                return true;
            }

            _mailbox.Add(item);
            if (_phase != Phase.Active || !_mailbox.MayBegin)
                return true;
        }

        _scheduler.RequestPump();
        return true;
    }

    /// <summary>Runs an action as a turn, outside the mailbox's order.</summary>
    public void RunTurn(Action action)
    {
        using var _ = SuppressedFlow.Begin();
        Task.Factory.StartNew(() => Guarded(action), CancellationToken.None, TaskCreationOptions.None, _scheduler);
    }

    /// <summary>Runs what the grain's own code hangs on, such as the callbacks of a token: it may throw anything.</summary>
    public void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (Exception thrown)
        {
            Engine.Log.CallbackFailed(thrown, Id);
        }
    }

    private void RunTurn(Func<Task> action)
    {
        using var _ = SuppressedFlow.Begin();
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.None, _scheduler);
    }

    private void Pump()
    {
        _pumping = true;
        for (var begun = 0; begun < CallsPerPump; begun++)
        {
            MailboxItem? item;
            lock (_gate)
            {
                if (_phase != Phase.Active || !_mailbox.TryBegin(out item))
                {
                    _pumping = false;
                    return;
                }
            }

            _ = RunItemAsync(item);
        }

        _pumping = false;
        _scheduler.RequestPump();
    }

    private async Task RunItemAsync(MailboxItem item)
    {
        try
        {
            await item.RunAsync(this);
        }
        catch (Exception fault)
        {
            // Not the grain's: what it throws is answered within. The mailbox must go on all the same.
            Engine.Log.EngineFault(fault, Id);
        }

        if (item.CountsAsUse)
            _lastUse = Engine.Time.GetTimestamp();
        var pump = false;
        lock (_gate)
        {
            _mailbox.End(item);
            if (_phase == Phase.Active)
                pump = !_pumping && _mailbox.MayBegin;
            else if (_mailbox.Running == 0)
                _drained?.TrySetResult();
        }

        if (pump)
            _scheduler.RequestPump();
    }
}
