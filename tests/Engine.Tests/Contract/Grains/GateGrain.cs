namespace Gristmill.Engine.Tests.Contract.Grains;

/// <summary>Calls that wait at a gate of the test, and say how many of them were inside at once.</summary>
[Alias("test.IGateGrain")]
public interface IGateGrain : IGrainWithStringKey
{
    [Alias("Pass")]
    Task<int> Pass(string gate);

    [Alias("PassInterleaving"), AlwaysInterleave]
    Task<int> PassInterleaving(string gate);

    [Alias("PassReadOnly"), ReadOnly]
    Task<int> PassReadOnly(string gate);

    [Alias("Ping")]
    Task<int> Ping(int number);

    [Alias("Post"), OneWay]
    Task Post(string gate);

    [Alias("PassQuickly"), ResponseTimeout("00:00:02")]
    Task<int> PassQuickly(string gate);

    [Alias("PassUnlessCancelled")]
    Task<string> PassUnlessCancelled(string gate, CancellationToken cancellationToken);
}

[Alias("test.IReentrantGateGrain")]
public interface IReentrantGateGrain : IGrainWithStringKey
{
    [Alias("Pass")]
    Task<int> Pass(string gate);
}

[RandomPlacement]
public sealed class GateGrain(Probe probe) : Grain, IGateGrain
{
    private int _inside;
    private int _most;

    public Task<int> Pass(string gate) => Through(gate);

    public Task<int> PassInterleaving(string gate) => Through(gate);

    public Task<int> PassReadOnly(string gate) => Through(gate);

    public Task<int> PassQuickly(string gate) => Through(gate);

    public Task<int> Ping(int number) => Task.FromResult(number);

    public Task Post(string gate) => Through(gate);

    public async Task<string> PassUnlessCancelled(string gate, CancellationToken cancellationToken)
    {
        probe.Signal($"entered:{gate}");
        var scheduler = TaskScheduler.Current;

        // Not disposed: the wait below hears of the cancellation first and would take the registration along.
        cancellationToken.Register(
            () => probe.Signal(TaskScheduler.Current == scheduler ? $"cancelled in a turn:{gate}" : $"cancelled elsewhere:{gate}"));
        await probe.Pass(gate).WaitAsync(cancellationToken);
        return cancellationToken.CanBeCanceled ? "with a token" : "without a token";
    }

    private async Task<int> Through(string gate)
    {
        _most = Math.Max(_most, ++_inside);
        probe.Note($"in:{gate}");
        probe.Signal($"entered:{gate}");
        await probe.Pass(gate);
        probe.Note($"out:{gate}");
        probe.Signal($"left:{gate}");
        _inside--;
        return _most;
    }
}

[RandomPlacement, Reentrant]
public sealed class ReentrantGateGrain(Probe probe) : Grain, IReentrantGateGrain
{
    private int _inside;
    private int _most;

    public async Task<int> Pass(string gate)
    {
        _most = Math.Max(_most, ++_inside);
        probe.Signal($"entered:{gate}");
        await probe.Pass(gate);
        _inside--;
        return _most;
    }
}
