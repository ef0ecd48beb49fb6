using Gristmill.Engine.Tests.Contract.Grains;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>How activations begin and end, and what becomes of the calls around it.</summary>
public class LifecycleTests : IAsyncLifetime
{
    private EngineHost _host = null!;

    protected virtual HostKind Kind => HostKind.OneWithWire;

    public async ValueTask InitializeAsync() => _host = await EngineHost.StartAsync(new HostSettings { Kind = Kind });

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task First_call_activates_before_it_runs()
    {
        await _host.Grain<ILifeGrain>().WhoAnswers();
        Assert.Equal(["constructed", "activating", "activated", "call"], _host.Probe.Log);
    }

    [Fact]
    public async Task Calls_at_once_share_one_activation()
    {
        var grain = _host.Grain<ILifeGrain>();
        var activations = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => grain.WhoAnswers()));
        Assert.Single(activations.Distinct());
    }

    [Fact]
    public async Task DeactivateOnIdle_within_a_call_ends_after_it()
    {
        var grain = _host.Grain<ILifeGrain>("a");
        var call = grain.EndAfter("gate");
        await _host.Probe.Until("ending:gate");
        _host.Probe.Open("gate");
        await call;
        await _host.Probe.Until("deactivated:a");
        await grain.WhoAnswers();
        Assert.Equal(
            [
                "constructed", "activating", "activated", "ended call", "deactivating:ApplicationRequested", "deactivated", "disposed",
                "constructed", "activating", "activated", "call",
            ],
            _host.Probe.Log);
    }

    [Fact]
    public async Task Call_that_waits_while_its_activation_ends_runs_on_the_next()
    {
        var grain = _host.Grain<ILifeGrain>();
        var ending = grain.EndAfter("gate");
        await _host.Probe.Until("ending:gate");
        var waiting = Enumerable.Range(0, 10).Select(_ => grain.WhoAnswers()).ToList();
        _host.Probe.Open("gate");
        var old = await ending;
        var next = await Task.WhenAll(waiting);
        Assert.Single(next.Distinct());
        Assert.NotEqual(old, next[0]);
    }

    [Fact]
    public async Task Activation_that_fails_fails_its_calls_with_its_error()
    {
        var grain = _host.Grain<ILifeGrain>("bad");
        var calls = Enumerable.Range(0, 3).Select(_ => grain.WhoAnswers()).ToList();
        foreach (var call in calls)
        {
            var error = await Assert.ThrowsAsync<GristmillException>(() => call);
            Assert.Equal("bad on purpose", error.Message);
            Assert.Equal(typeof(InvalidDataException).FullName, error.TypeName);
        }

        Assert.DoesNotContain(_host.Probe.Log, what => what.StartsWith("deactivating", StringComparison.Ordinal) || what == "call");
    }

    [Fact]
    public async Task Stop_of_the_silo_deactivates_all()
    {
        foreach (var key in new[] { "a", "b", "c" })
        {
            await _host.Grain<ILifeGrain>(key).WhoAnswers();
        }

        await _host.StopAsync();
        Assert.Equal(3, _host.Probe.Log.Count(what => EngineTraits.StopReasons.Any(reason => what == $"deactivating:{reason}")));
        Assert.Equal(3, _host.Probe.Log.Count(what => what == "disposed"));
        var error = await Assert.ThrowsAsync<GristmillException>(() => _host.Grain<ILifeGrain>("a").WhoAnswers());
        Assert.Equal(GristmillErrorKind.Unavailable, error.Kind);
    }

    [Fact]
    public void Reference_is_known_by_its_key_and_equals_another_to_the_same_grain()
    {
        var grain = _host.Grain<ILifeGrain>("some/key:with {braces}");
        Assert.Equal("some/key:with {braces}", grain.GetPrimaryKeyString());
        Assert.Equal(grain, _host.Grain<ILifeGrain>("some/key:with {braces}"));
        Assert.NotEqual(grain, _host.Grain<ILifeGrain>("another"));
    }
}

/// <inheritdoc/>
public sealed class LifecycleTestsOnTwoSilos : LifecycleTests
{
    protected override HostKind Kind => HostKind.Two;
}
