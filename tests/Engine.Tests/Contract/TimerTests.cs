using Gristmill.Engine.Tests.Contract.Grains;
using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>Ticks are turns: they wait for calls, calls wait for them, and a timer never overlaps itself.</summary>
public sealed class TimerTests : IAsyncLifetime
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();
    private EngineHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await EngineHost.StartAsync(new HostSettings { Time = _time });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Timer_ticks_when_due_and_then_by_its_period()
    {
        var grain = _host.Grain<ILifeGrain>();
        await grain.Tick(new TickSettings(Second, 5 * Second));
        await AdvanceAsync(grain, Second / 2);
        Assert.DoesNotContain("tick 1", _host.Probe.Log);
        await AdvanceAsync(grain, Second);
        await _host.Probe.Until("tock 1");
        await grain.WhoAnswers();
        await AdvanceAsync(grain, 4 * Second);
        Assert.DoesNotContain("tick 2", _host.Probe.Log);
        await AdvanceAsync(grain, Second);
        await _host.Probe.Until("tock 2");
    }

    [Fact]
    public async Task Tick_that_lasts_delays_the_next_and_holds_up_calls()
    {
        var grain = _host.Grain<ILifeGrain>();
        await grain.Tick(new TickSettings(Second, Second, Gate: "gate"));
        _time.Advance(Second);
        await _host.Probe.Until("tick 1");
        var call = grain.WhoAnswers();
        _time.Advance(10 * Second);
        await _host.Grain<ILifeGrain>("other").WhoAnswers();
        Assert.False(call.IsCompleted);
        Assert.DoesNotContain("tick 2", _host.Probe.Log);
        _host.Probe.Open("gate1");
        await call;
        _time.Advance(Second);
        await _host.Probe.Until("tick 2");
        _host.Probe.Open("gate2");
    }

    [Fact]
    public async Task Tick_with_Interleave_lets_calls_run()
    {
        var grain = _host.Grain<ILifeGrain>();
        await grain.Tick(new TickSettings(Second, Second, Interleave: true, Gate: "gate"));
        _time.Advance(Second);
        await _host.Probe.Until("tick 1");
        await grain.WhoAnswers();
        Assert.DoesNotContain("tock 1", _host.Probe.Log);
        _host.Probe.Open("gate1");
        await _host.Probe.Until("tock 1");
    }

    [Fact]
    public async Task Tick_that_throws_does_not_stop_the_timer()
    {
        var grain = _host.Grain<ILifeGrain>();
        await grain.Tick(new TickSettings(Second, Second, Throws: true));
        _time.Advance(Second);
        await _host.Probe.Until("tock 1");
        await AdvanceAsync(grain, Second);
        await _host.Probe.Until("tock 2");
    }

    [Fact]
    public async Task Disposed_timer_does_not_tick()
    {
        var grain = _host.Grain<ILifeGrain>();
        await grain.Tick(new TickSettings(Second, Second));
        await grain.StopTimer();
        await AdvanceAsync(grain, 10 * Second);
        Assert.DoesNotContain("tick 1", _host.Probe.Log);
    }

    [Fact]
    public async Task Changed_timer_ticks_by_its_new_times()
    {
        var grain = _host.Grain<ILifeGrain>();
        await grain.Tick(new TickSettings(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan));
        await AdvanceAsync(grain, 10 * Second);
        await grain.ChangeTimer(Second, Timeout.InfiniteTimeSpan);
        _time.Advance(Second);
        await _host.Probe.Until("tock 1");
        await AdvanceAsync(grain, 10 * Second);
        Assert.DoesNotContain("tick 2", _host.Probe.Log);
    }

    [Fact]
    public async Task Timer_changed_during_its_tick_takes_the_change_when_the_tick_is_done()
    {
        var grain = _host.Grain<ILifeGrain>();
        await grain.Tick(new TickSettings(Second, Second, Interleave: true, Gate: "gate"));
        _time.Advance(Second);
        await _host.Probe.Until("tick 1");
        await grain.ChangeTimer(7 * Second, Timeout.InfiniteTimeSpan);
        await AdvanceAsync(grain, 10 * Second);
        Assert.DoesNotContain("tick 2", _host.Probe.Log);
        _host.Probe.Open("gate1");
        await _host.Probe.Until("tock 1");
        await AdvanceAsync(grain, 6 * Second);
        Assert.DoesNotContain("tick 2", _host.Probe.Log);
        await AdvanceAsync(grain, Second);
        await _host.Probe.Until("tick 2");
        _host.Probe.Open("gate2");
    }

    [Fact]
    public async Task Deactivation_cancels_a_tick_and_stops_the_timer()
    {
        var grain = _host.Grain<ILifeGrain>("a");
        await grain.Tick(new TickSettings(Second, Second, Interleave: true, Gate: "gate"));
        _time.Advance(Second);
        await _host.Probe.Until("tick 1");
        _host.Probe.Open("end");
        await grain.EndAfter("end");
        if (EngineTraits.CancelsTicks) await _host.Probe.Until("tick cancelled");
        _host.Probe.Open("gate1");
        await _host.Probe.Until("deactivated:a");
        _time.Advance(10 * Second);
        await grain.WhoAnswers();
        Assert.DoesNotContain("tick 2", _host.Probe.Log);
    }

    [Fact]
    public async Task Timer_of_a_negative_time_is_refused()
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => _host.Grain<ILifeGrain>().Tick(new TickSettings(-2 * Second, Second)));
        Assert.Equal(typeof(ArgumentOutOfRangeException).FullName, error.TypeName);
    }

    // A call behind the clock's step: what a tick of that step puts into the mailbox runs before the call does.
    private async Task AdvanceAsync(ILifeGrain grain, TimeSpan time)
    {
        await grain.WhoAnswers();
        _time.Advance(time);
        await grain.WhoAnswers();
    }
}
