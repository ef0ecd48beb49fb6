namespace Gristmill.Engine.Tests.Contract.Grains;

/// <summary>Notes the stages of its life, ticks, and fails where told. Keys that start with "bad" cannot be activated.</summary>
[Alias("test.ILifeGrain")]
public interface ILifeGrain : IGrainWithStringKey
{
    /// <summary>Which activation answers.</summary>
    [Alias("WhoAnswers")]
    Task<Guid> WhoAnswers();

    [Alias("EndAfter")]
    Task<Guid> EndAfter(string gate);

    [Alias("Tick")]
    Task Tick(TickSettings settings);

    [Alias("ChangeTimer")]
    Task ChangeTimer(TimeSpan dueTime, TimeSpan period);

    [Alias("StopTimer")]
    Task StopTimer();
}

[GenerateSerializer, Immutable, Alias("test.TickSettings")]
public sealed record TickSettings(
    [property: Id(0)] TimeSpan DueTime,
    [property: Id(1)] TimeSpan Period,
    [property: Id(2)] bool Interleave = false,
    [property: Id(3)] bool KeepAlive = false,
    [property: Id(4)] string? Gate = null,
    [property: Id(5)] bool Throws = false);

[PreferLocalPlacement]
public sealed class LifeGrain : Grain, ILifeGrain, IDisposable
{
    private readonly Probe _probe;
    private readonly Guid _activation = Guid.NewGuid();
    private IGrainTimer? _timer;
    private int _ticks;

    public LifeGrain(Probe probe)
    {
        _probe = probe;
        probe.Note("constructed");
    }

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _probe.Note("activating");
        await Task.Yield();
        if (this.GetPrimaryKeyString().StartsWith("bad", StringComparison.Ordinal))
        {
            throw new InvalidDataException("bad on purpose");
        }

        _probe.Note("activated");
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _probe.Note($"deactivating:{reason.ReasonCode}");
        await Task.Yield();
        _probe.Note("deactivated");
        _probe.Signal($"deactivated:{this.GetPrimaryKeyString()}");
    }

    public void Dispose() => _probe.Note("disposed");

    public Task<Guid> WhoAnswers()
    {
        _probe.Note("call");
        return Task.FromResult(_activation);
    }

    public async Task<Guid> EndAfter(string gate)
    {
        DeactivateOnIdle();
        _probe.Signal($"ending:{gate}");
        await _probe.Pass(gate);
        _probe.Note("ended call");
        return _activation;
    }

    public Task Tick(TickSettings settings)
    {
        var options = new GrainTimerCreationOptions(settings.DueTime, settings.Period)
        {
            Interleave = settings.Interleave,
            KeepAlive = settings.KeepAlive,
        };
        _timer = this.RegisterGrainTimer((s, token) => OnTickAsync(s, token), settings, options);
        return Task.CompletedTask;
    }

    public Task ChangeTimer(TimeSpan dueTime, TimeSpan period)
    {
        _timer!.Change(dueTime, period);
        return Task.CompletedTask;
    }

    public Task StopTimer()
    {
        _timer!.Dispose();
        return Task.CompletedTask;
    }

    private async Task OnTickAsync(TickSettings settings, CancellationToken cancellationToken)
    {
        var tick = ++_ticks;
        _probe.Note($"tick {tick}");
        _probe.Signal($"tick {tick}");
        using var registration = cancellationToken.Register(() => _probe.Signal("tick cancelled"));
        if (settings.Gate is not null)
        {
            await _probe.Pass($"{settings.Gate}{tick}");
        }

        _probe.Note($"tock {tick}");
        _probe.Signal($"tock {tick}");
        if (settings.Throws)
        {
            throw new InvalidOperationException("tick on purpose");
        }
    }
}
