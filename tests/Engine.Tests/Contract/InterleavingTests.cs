using Gristmill.Engine.Tests.Contract.Grains;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>Which calls may begin while another waits: none, but where an attribute says so.</summary>
public class InterleavingTests : IAsyncLifetime
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
    public async Task Call_while_another_waits_begins_after_it()
    {
        var grain = _host.Grain<IGateGrain>();
        var first = grain.Pass("a");
        await _host.Probe.Until("entered:a");
        var second = grain.Pass("b");
        _host.Probe.Open("b");
        await _host.Grain<IGateGrain>().Ping(1);
        Assert.False(_host.Probe.Happened("entered:b"));
        _host.Probe.Open("a");
        await first;
        Assert.Equal(1, await second);
        Assert.Equal(["in:a", "out:a", "in:b", "out:b"], _host.Probe.Log);
    }

    [Fact]
    public async Task AlwaysInterleave_while_another_waits_begins_at_once()
    {
        var grain = _host.Grain<IGateGrain>();
        var first = grain.Pass("a");
        await _host.Probe.Until("entered:a");
        _host.Probe.Open("b");
        Assert.Equal(2, await grain.PassInterleaving("b"));
        _host.Probe.Open("a");
        await first;
    }

    [Fact]
    public async Task Call_while_an_interleaving_one_waits_begins_at_once()
    {
        var grain = _host.Grain<IGateGrain>();
        var first = grain.PassInterleaving("a");
        await _host.Probe.Until("entered:a");
        _host.Probe.Open("b");
        Assert.Equal(2, await grain.Pass("b"));
        _host.Probe.Open("a");
        await first;
    }

    [Fact]
    public async Task ReadOnly_while_another_ReadOnly_waits_begins_at_once()
    {
        var grain = _host.Grain<IGateGrain>();
        var first = grain.PassReadOnly("a");
        await _host.Probe.Until("entered:a");
        _host.Probe.Open("b");
        Assert.Equal(2, await grain.PassReadOnly("b"));
        _host.Probe.Open("a");
        await first;
    }

    [Fact]
    public async Task ReadOnly_while_a_writer_waits_begins_after_it()
    {
        var grain = _host.Grain<IGateGrain>();
        var writer = grain.Pass("a");
        await _host.Probe.Until("entered:a");
        var reader = grain.PassReadOnly("b");
        _host.Probe.Open("b");
        await _host.Grain<IGateGrain>().Ping(1);
        Assert.False(_host.Probe.Happened("entered:b"));
        _host.Probe.Open("a");
        await writer;
        Assert.Equal(1, await reader);
    }

    [Fact]
    public async Task Writer_while_readers_wait_begins_after_them()
    {
        var grain = _host.Grain<IGateGrain>();
        var reader = grain.PassReadOnly("a");
        await _host.Probe.Until("entered:a");
        var writer = grain.Pass("b");
        _host.Probe.Open("b");
        await _host.Grain<IGateGrain>().Ping(1);
        Assert.False(_host.Probe.Happened("entered:b"));
        _host.Probe.Open("a");
        await reader;
        Assert.Equal(1, await writer);
    }

    [Fact]
    public async Task Reentrant_class_begins_every_call_at_once()
    {
        var grain = _host.Grain<IReentrantGateGrain>();
        var calls = new[] { grain.Pass("a"), grain.Pass("b"), grain.Pass("c") };
        foreach (var gate in new[] { "a", "b", "c" })
        {
            await _host.Probe.Until($"entered:{gate}");
        }

        foreach (var gate in new[] { "c", "b", "a" })
        {
            _host.Probe.Open(gate);
        }

        await Task.WhenAll(calls);
        Assert.Equal(3, await calls[0]);
    }
}

/// <inheritdoc/>
public sealed class InterleavingTestsOnTwoSilos : InterleavingTests
{
    protected override HostKind Kind => HostKind.Two;
}
