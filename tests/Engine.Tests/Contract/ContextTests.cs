using System.Diagnostics;
using Gristmill.Engine.Tests.Contract.Grains;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>What travels with a call besides its arguments.</summary>
public class ContextTests : IAsyncLifetime
{
    private EngineHost _host = null!;

    protected virtual HostKind Kind => HostKind.OneWithWire;

    public async ValueTask InitializeAsync() =>
        _host = await EngineHost.StartAsync(new HostSettings { Kind = Kind });

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task RequestContext_travels_with_calls_and_on_with_theirs()
    {
        RequestContext.Set("tenant", "mill");
        Assert.Equal("mill", await _host.Grain<IContextGrain>().Value("tenant"));
        Assert.Equal("mill", await _host.Grain<IContextGrain>().ValueBehind("tenant", "next"));
        Assert.True(RequestContext.Remove("tenant"));
        Assert.Null(await _host.Grain<IContextGrain>().Value("tenant"));
    }

    [Fact]
    public async Task RequestContext_set_by_the_callee_does_not_travel_back_nor_stay()
    {
        var grain = _host.Grain<IContextGrain>();
        RequestContext.Set("tenant", "mill");
        await grain.Overwrite("tenant", "other");
        Assert.Equal("mill", RequestContext.Get("tenant"));
        RequestContext.Clear();
        Assert.Null(await grain.Value("tenant"));
    }

    [Fact]
    public async Task RequestContext_keeps_calls_at_once_apart()
    {
        var grain = _host.Grain<IContextGrain>();
        var seen = await Task.WhenAll(Enumerable.Range(0, 100).Select(async number =>
        {
            RequestContext.Set("number", number);
            return await grain.Value("number");
        }));
        Assert.Equal(Enumerable.Range(0, 100).Select(n => $"{n}"), seen);
    }

    [Fact]
    public void RequestContext_of_a_value_that_cannot_travel_is_refused()
    {
        if (!EngineTraits.RefusesContextValues)
        {
            RequestContext.Set("it", new object());
            return;
        }

        Assert.Throws<ArgumentException>(() => RequestContext.Set("it", new object()));
        for (var number = 0; number < 64; number++)
        {
            RequestContext.Set($"key {number}", number);
        }

        Assert.Throws<ArgumentException>(() => RequestContext.Set("one more", 1));
    }

    [Fact]
    public async Task Trace_context_travels_where_somebody_listens()
    {
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == EngineTraits.TraceSource,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(listener);
        using var span = new Activity("caller").SetIdFormat(ActivityIdFormat.W3C).Start();
        Assert.Equal(span.TraceId.ToString(), await _host.Grain<IContextGrain>().Trace());
    }
}

/// <inheritdoc/>
public sealed class ContextTestsWithoutWire : ContextTests
{
    protected override HostKind Kind => HostKind.One;
}

/// <inheritdoc/>
public sealed class ContextTestsOnTwoSilos : ContextTests
{
    protected override HostKind Kind => HostKind.Two;
}
