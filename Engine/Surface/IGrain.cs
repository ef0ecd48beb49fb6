namespace Gristmill.Engine;

/// <summary>Something that can be called by its identity: a grain, or a reference to one.</summary>
public interface IAddressable;

/// <summary>Marks the interfaces of grains.</summary>
public interface IGrain : IAddressable;

/// <summary>Marks the interfaces of grains that are identified by a string.</summary>
public interface IGrainWithStringKey : IGrain;

/// <summary>What the engine calls on every grain.</summary>
public interface IGrainBase
{
    /// <summary>Called after the grain's states have been read and before its first call.</summary>
    /// <param name="token">Cancelled when the activation takes too long.</param>
    Task OnActivateAsync(CancellationToken token) => Task.CompletedTask;

    /// <summary>Called after the grain's last call.</summary>
    /// <param name="reason">Why; for information only.</param>
    /// <param name="token">Cancelled when the deactivation should come to its end.</param>
    Task OnDeactivateAsync(DeactivationReason reason, CancellationToken token) => Task.CompletedTask;
}
