namespace Gristmill.Engine.Tests.Contract.Grains;

/// <summary>Says where it is, and counts its activations with the test.</summary>
[Alias("test.IPlaceGrain")]
public interface IPlaceGrain : IGrainWithStringKey
{
    /// <summary>The name of the silo.</summary>
    [Alias("Where")]
    Task<string> Where();

    [Alias("Wait")]
    Task<int> Wait(string gate);

    [Alias("Post"), OneWay]
    Task Post(string signal);
}

/// <summary>The same, placed where it is called first.</summary>
[Alias("test.ILocalPlaceGrain")]
public interface ILocalPlaceGrain : IGrainWithStringKey
{
    [Alias("Where")]
    Task<string> Where();
}

/// <summary>The same, bound to the silo that calls it.</summary>
[Alias("test.IBoundPlaceGrain")]
public interface IBoundPlaceGrain : IGrainWithStringKey
{
    [Alias("Where")]
    Task<string> Where();
}

[RandomPlacement, Reentrant]
public sealed class PlaceGrain(Probe probe, HostedSilo silo) : Grain, IPlaceGrain
{
    private string Place => $"{this.GetPrimaryKeyString()} on {silo.Name}";

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        probe.Enter(this.GetPrimaryKeyString(), silo.Name);
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        probe.Leave(this.GetPrimaryKeyString(), silo.Name);
        probe.Note($"left {Place}: {reason.ReasonCode}");
        return Task.CompletedTask;
    }

    public Task<string> Where() => Task.FromResult(silo.Name);

    public async Task<int> Wait(string gate)
    {
        probe.Signal($"waiting:{gate}");
        await probe.Pass(gate);
        return 1;
    }

    public Task Post(string signal)
    {
        probe.Signal(signal);
        return Task.CompletedTask;
    }
}

[PreferLocalPlacement]
public sealed class LocalPlaceGrain(HostedSilo silo) : Grain, ILocalPlaceGrain
{
    public Task<string> Where() => Task.FromResult(silo.Name);
}

[PreferLocalPlacement]
public sealed class BoundPlaceGrain(HostedSilo silo) : Grain, IBoundPlaceGrain
{
    public Task<string> Where() => Task.FromResult(silo.Name);
}
