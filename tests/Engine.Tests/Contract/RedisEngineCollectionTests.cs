using Gristmill.Engine.Tests.Contract.Grains;
using Gristmill.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>
/// Activations that are not used end, and those that are used do not. By a clock that the test moves, by which Orleans does
/// not count: OrleansEngineCollectionTests.cs has the same with short times.
/// </summary>
public sealed class CollectionTests : IAsyncLifetime
{
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new();
    private EngineHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await EngineHost.StartAsync(new HostSettings { Time = _time, CollectionAge = Age });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Activation_unused_for_the_age_ends_as_idle()
    {
        var grain = _host.Grain<ILifeGrain>("a");
        var first = await grain.WhoAnswers();
        _time.Advance(Age + TimeSpan.FromSeconds(2));
        await _host.Probe.Until("deactivated:a");
        Assert.Contains("deactivating:ActivationIdle", _host.Probe.Log);
        Assert.NotEqual(first, await grain.WhoAnswers());
    }

    [Fact]
    public async Task Activation_used_within_the_age_stays()
    {
        var grain = _host.Grain<ILifeGrain>("a");
        var first = await grain.WhoAnswers();
        for (var use = 0; use < 4; use++)
        {
            _time.Advance(Age - TimeSpan.FromSeconds(2));
            Assert.Equal(first, await grain.WhoAnswers());
        }
    }

    [Fact]
    public async Task Activation_with_a_running_call_stays()
    {
        var busy = _host.Grain<IGateGrain>();
        var call = busy.PassInterleaving("a");
        await _host.Probe.Until("entered:a");
        await _host.Grain<ILifeGrain>("other").WhoAnswers();
        _time.Advance(Age + TimeSpan.FromSeconds(2));
        await _host.Probe.Until("deactivated:other");
        _host.Probe.Open("b");
        Assert.Equal(2, await busy.Pass("b"));
        _host.Probe.Open("a");
        await call;
    }

    [Fact]
    public async Task Activation_whose_call_does_not_end_ends_after_the_limit()
    {
        var grain = _host.Grain<ILifeGrain>("a");
        var stuck = grain.EndAfter("never");
        await _host.Probe.Until("ending:never");

        // In steps: the limit counts from the turn in which the activation begins to wait.
        await Eventually.TrueAsync("the activation ends though its call does not", () => AdvanceUntil("deactivated:a"), cancellationToken: TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<TimeoutException>(() => stuck);
    }

    [Fact]
    public async Task Timer_with_KeepAlive_keeps_its_activation()
    {
        var kept = _host.Grain<ILifeGrain>("kept");
        var first = await kept.WhoAnswers();
        await kept.Tick(new TickSettings(TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(6), KeepAlive: true));
        await _host.Grain<ILifeGrain>("other").WhoAnswers();
        _time.Advance(TimeSpan.FromSeconds(6));
        await _host.Probe.Until("tock 1");
        _time.Advance(TimeSpan.FromSeconds(5));
        await _host.Probe.Until("deactivated:other");
        Assert.Equal(first, await kept.WhoAnswers());
    }

    [Fact]
    public async Task Timer_without_KeepAlive_does_not()
    {
        var grain = _host.Grain<ILifeGrain>("a");
        await grain.Tick(new TickSettings(TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(60)));
        _time.Advance(TimeSpan.FromSeconds(6));
        await _host.Probe.Until("tock 1");
        _time.Advance(TimeSpan.FromSeconds(6));
        await _host.Probe.Until("deactivated:a");
    }

    private bool AdvanceUntil(string signal)
    {
        _time.Advance(TimeSpan.FromSeconds(5));
        return _host.Probe.Happened(signal);
    }
}
