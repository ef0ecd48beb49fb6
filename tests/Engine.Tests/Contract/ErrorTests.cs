using Gristmill.Engine.Tests.Contract.Grains;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>What a caller sees of what a grain throws.</summary>
public class ErrorTests : IAsyncLifetime
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

    [Theory, InlineData(false), InlineData(true)]
    public async Task GristmillException_crosses_as_it_is(bool overTwoCalls)
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => Throw("own", overTwoCalls));
        Assert.Equal(GristmillErrorKind.NotFound, error.Kind);
        Assert.Equal("there is no such thing", error.Message);
        Assert.Equal(typeof(GristmillException).FullName, error.TypeName);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Other_exceptions_cross_as_one_that_names_them(bool overTwoCalls)
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => Throw("broken", overTwoCalls));
        Assert.Equal(GristmillErrorKind.Failed, error.Kind);
        Assert.Equal("broken", error.Message);
        Assert.Equal(typeof(InvalidDataException).FullName, error.TypeName);
        Assert.Null(error.InnerException);
    }

    [Fact]
    public Task Cancellation_crosses_as_cancellation() =>
        Assert.ThrowsAnyAsync<OperationCanceledException>(() => Throw("cancelled", overTwoCalls: true));

    [Fact]
    public async Task Grain_that_threw_goes_on()
    {
        var grain = _host.Grain<IContextGrain>();
        await Assert.ThrowsAsync<GristmillException>(() => grain.Throw("broken"));
        Assert.Null(await grain.Value("x"));
    }

    private Task Throw(string what, bool overTwoCalls)
    {
        var grain = _host.Grain<IContextGrain>();
        return overTwoCalls ? grain.ThrowBehind(what, "next") : grain.Throw(what);
    }
}

/// <inheritdoc/>
public sealed class ErrorTestsWithoutWire : ErrorTests
{
    protected override HostKind Kind => HostKind.One;
}

/// <inheritdoc/>
public sealed class ErrorTestsOnTwoSilos : ErrorTests
{
    protected override HostKind Kind => HostKind.Two;
}
