namespace Gristmill.Engine;

/// <summary>
/// The base class of grains. A grain's code runs one turn at a time; each await in it resumes as a turn of the same
/// activation, whatever it waited for.
/// </summary>
public abstract class Grain : IGrainBase, IAddressable
{
    private readonly Activation? _activation;

    /// <summary>Called by the engine through the grain's own constructor.</summary>
    protected Grain() => _activation = Activation.UnderConstruction;

    /// <summary>Gives references to other grains.</summary>
    protected IGrainFactory GrainFactory => Activation.Engine.GrainFactory;

    /// <summary>The services of this activation: a scope that ends with it.</summary>
    protected internal IServiceProvider ServiceProvider => Activation.Services;

    internal Activation Activation =>
        _activation ?? throw new InvalidOperationException($"{GetType()} was created outside the grain engine; get it from an {nameof(IGrainFactory)}.");

    /// <summary>
    /// Ends this activation when the calls that are running now are done. Calls that wait or come later go to a new one.
    /// </summary>
    protected void DeactivateOnIdle() =>
        Activation.Deactivate(new(DeactivationReasonCode.ApplicationRequested, $"{nameof(DeactivateOnIdle)} was called."));

    /// <inheritdoc/>
    public virtual Task OnActivateAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public virtual Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => Task.CompletedTask;
}
