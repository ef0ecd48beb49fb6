using Gristmill.Engine.Tests.Contract.Grains;
using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>How calls end: by an answer, a timeout, a cancellation, or not at all for one-way ones.</summary>
public class CallTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new();
    private EngineHost _host = null!;

    protected virtual HostKind Kind => HostKind.OneWithWire;

    public async ValueTask InitializeAsync() =>
        _host = await EngineHost.StartAsync(new HostSettings { Time = _time, MaxCallsPerActivation = 4, Kind = Kind });

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Call_without_an_answer_times_out_and_goes_on()
    {
        var call = _host.Grain<IGateGrain>().Pass("a");
        await _host.Probe.Until("entered:a");
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(call.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(2));
        await Assert.ThrowsAsync<TimeoutException>(() => call);
        _host.Probe.Open("a");
        await _host.Probe.Until("left:a");
    }

    [Fact]
    public async Task ResponseTimeout_on_the_method_overrides_the_default()
    {
        var call = _host.Grain<IGateGrain>().PassQuickly("a");
        await _host.Probe.Until("entered:a");
        _time.Advance(TimeSpan.FromSeconds(3));
        await Assert.ThrowsAsync<TimeoutException>(() => call);
        _host.Probe.Open("a");
    }

    [Fact]
    public async Task Call_that_waits_past_its_deadline_never_runs()
    {
        var grain = _host.Grain<IGateGrain>();
        var first = grain.Pass("a");
        await _host.Probe.Until("entered:a");
        var late = grain.Pass("b");

        // Once a later call was answered, this one waits at its grain, wherever that is.
        await _host.Grain<IGateGrain>().Ping(1);
        _time.Advance(TimeSpan.FromSeconds(31));
        await Assert.ThrowsAsync<TimeoutException>(() => late);
        await Assert.ThrowsAsync<TimeoutException>(() => first);
        _host.Probe.Open("a");
        if (!EngineTraits.DeadlinesByClockOfSilo) _host.Probe.Open("b");
        Assert.Equal(7, await grain.Ping(7));
        Assert.Equal(EngineTraits.DeadlinesByClockOfSilo, !_host.Probe.Happened("entered:b"));
    }

    [Fact]
    public async Task Cancelled_call_ends_at_once_and_its_callee_hears_it_in_a_turn()
    {
        using var source = new CancellationTokenSource();
        var call = _host.Grain<IGateGrain>().PassUnlessCancelled("a", source.Token);
        await _host.Probe.Until("entered:a");
        source.Cancel();
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(source.Token, error.CancellationToken);
        await _host.Probe.Until("cancelled in a turn:a");
    }

    [Fact]
    public async Task Call_cancelled_while_it_waits_never_runs()
    {
        var grain = _host.Grain<IGateGrain>();
        var first = grain.Pass("a");
        await _host.Probe.Until("entered:a");
        using var source = new CancellationTokenSource();
        var second = grain.PassUnlessCancelled("b", source.Token);
        source.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);

        // Once a later call was answered, word of the cancellation has come, wherever the grain is.
        await _host.Grain<IGateGrain>().Ping(1);
        _host.Probe.Open("a");
        if (!EngineTraits.CancellationIsInOrder) _host.Probe.Open("b");
        await first;
        await grain.Ping(1);
        if (EngineTraits.CancellationIsInOrder) Assert.False(_host.Probe.Happened("entered:b"));
    }

    [Fact]
    public async Task Call_with_a_cancelled_token_is_cancelled()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _host.Grain<IGateGrain>().PassUnlessCancelled("a", new CancellationToken(true)));
        Assert.False(_host.Probe.Happened("entered:a"));
    }

    [Fact]
    public async Task Call_with_a_token_that_stays_quiet_gets_its_answer()
    {
        _host.Probe.Open("a");
        using var source = new CancellationTokenSource();
        Assert.Equal("with a token", await _host.Grain<IGateGrain>().PassUnlessCancelled("a", source.Token));
        Assert.Equal(EngineTraits.WithoutToken, await _host.Grain<IGateGrain>().PassUnlessCancelled("a", CancellationToken.None));
    }

    [Fact]
    public async Task Calls_that_come_back_to_their_caller_end_by_timeout()
    {
        var grain = _host.Grain<IContextGrain>("self");
        var call = grain.ValueBehind("key", "self");
        await _host.Probe.Until("asking:self");
        _time.Advance(TimeSpan.FromSeconds(31));
        await Assert.ThrowsAsync<TimeoutException>(() => call);
        Assert.Null(await grain.Value("key"));
    }

    [Fact]
    public async Task OneWay_call_does_not_wait()
    {
        await _host.Grain<IGateGrain>().Post("a");
        await _host.Probe.Until("entered:a");
        _host.Probe.Open("a");
        await _host.Probe.Until("left:a");
    }

    [Fact]
    public async Task Call_beyond_the_bound_is_refused_as_overloaded()
    {
        var grain = _host.Grain<IGateGrain>();
        var first = grain.Pass("a");
        await _host.Probe.Until("entered:a");
        var calls = Enumerable.Range(0, 4).Select(n => grain.Ping(n)).ToList();
        var refused = await Task.WhenAny(calls);
        var error = await Assert.ThrowsAsync<GristmillException>(() => refused);
        Assert.Equal(GristmillErrorKind.Overloaded, error.Kind);
        Assert.Contains(EngineTraits.BoundOfCalls, error.Message);
        _host.Probe.Open("a");
        await first;

        // Calls need not come in the order in which they were sent; one of the four was too much.
        var answers = await Task.WhenAll(calls.Where(c => c != refused));
        Assert.Equal(Enumerable.Range(0, 4).Except([calls.IndexOf(refused)]), answers);
    }
}

/// <inheritdoc/>
public sealed class CallTestsWithoutWire : CallTests
{
    protected override HostKind Kind => HostKind.One;
}

/// <inheritdoc/>
public sealed class CallTestsOnTwoSilos : CallTests
{
    protected override HostKind Kind => HostKind.Two;
}
