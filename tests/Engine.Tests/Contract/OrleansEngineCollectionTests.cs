using Gristmill.Engine.Tests.Contract.Grains;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>
/// Activations that are not used end, and those that are used do not. Orleans counts idle time by the machine's clock, so the
/// times are short, and who must stay is compared with one that ends meanwhile. An activation whose call never ends stays.
/// </summary>
public sealed class CollectionTests : IAsyncLifetime
{
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(200);

    private EngineHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await EngineHost.StartAsync(new HostSettings { CollectionAge = Age });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Activation_unused_for_the_age_ends_as_idle()
    {
        var grain = _host.Grain<ILifeGrain>("a");
        var first = await grain.WhoAnswers();
        await _host.Probe.Until("deactivated:a");
        Assert.Contains("deactivating:ActivationIdle", _host.Probe.Log);
        Assert.NotEqual(first, await grain.WhoAnswers());
    }

    [Fact]
    public async Task Activation_with_a_running_call_stays()
    {
        var busy = _host.Grain<IGateGrain>();
        var call = busy.PassInterleaving("a");
        await _host.Probe.Until("entered:a");
        await _host.Grain<ILifeGrain>("other").WhoAnswers();
        await _host.Probe.Until("deactivated:other");
        _host.Probe.Open("b");
        Assert.Equal(2, await busy.Pass("b"));
        _host.Probe.Open("a");
        await call;
    }

    [Fact]
    public async Task Timer_with_KeepAlive_keeps_its_activation()
    {
        var kept = _host.Grain<ILifeGrain>("kept");
        var first = await kept.WhoAnswers();
        await kept.Tick(new TickSettings(Often, Often, KeepAlive: true));
        await _host.Grain<ILifeGrain>("other").WhoAnswers();
        await _host.Probe.Until("deactivated:other");
        Assert.Equal(first, await kept.WhoAnswers());
    }

    [Fact]
    public async Task Timer_without_KeepAlive_does_not()
    {
        await _host.Grain<ILifeGrain>("a").Tick(new TickSettings(Often, Often));
        await _host.Probe.Until("deactivated:a");
    }
}
