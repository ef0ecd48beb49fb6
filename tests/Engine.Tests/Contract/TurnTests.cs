using Gristmill.Engine.Tests.Contract.Grains;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>A grain's code runs one turn at a time, and every await in it comes back to the activation.</summary>
public class TurnTests : IAsyncLifetime
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
    public async Task Turns_of_many_interleaved_calls_never_overlap()
    {
        var grain = _host.Grain<ITurnGrain>();
        await grain.Total();
        var met = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => grain.Count(200)));
        Assert.Equal(0, met.Max());
        Assert.Equal(32 * 200, await grain.Total());
    }

    [Fact]
    public async Task Await_of_anything_resumes_on_the_activation()
    {
        var grain = _host.Grain<ITurnGrain>();

        // The first call begins within the turn that activates, the others from the mailbox of an active grain.
        for (var call = 0; call < 3; call++)
        {
            var seen = await grain.Awaits();
            Assert.Equal(8, seen.Count);
            Assert.All(seen, entry => Assert.True(entry.Value, entry.Key));
        }
    }

    [Fact]
    public async Task Call_of_many_grains_at_once_answers_each()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 2_000).Select(n => _host.Grain<IGateGrain>($"many-{n % 50}").Ping(n)));
        Assert.Equal(Enumerable.Range(0, 2_000), answers);
    }
}

/// <inheritdoc/>
public sealed class TurnTestsOnTwoSilos : TurnTests
{
    protected override HostKind Kind => HostKind.Two;
}
