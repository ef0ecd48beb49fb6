using Gristmill.Engine.Tests.Contract.Grains;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>Incoming call filters run around every call, in their order.</summary>
public class FilterTests
{
    protected virtual HostKind Kind => HostKind.OneWithWire;

    [Fact]
    public async Task Filters_run_in_the_order_of_their_registration()
    {
        await using var host = await StartAsync<Outer, Inner>();
        Assert.Equal(1, await host.Grain<IGateGrain>().Ping(1));
        Assert.Equal(["outer:Ping:GateGrain", "inner:Ping:GateGrain", "inner done:1", "outer done:1"], host.Probe.Log);
    }

    [Fact]
    public async Task Filter_may_replace_the_result()
    {
        await using var host = await StartAsync<Outer, Doubling>();
        Assert.Equal(42, await host.Grain<IGateGrain>().Ping(21));
    }

    [Fact]
    public async Task Filter_sees_the_grains_exception_and_may_replace_it()
    {
        await using var host = await StartAsync<Translating, Inner>();
        var error = await Assert.ThrowsAsync<GristmillException>(() => host.Grain<IContextGrain>().Throw("broken"));
        Assert.Equal(GristmillErrorKind.Conflict, error.Kind);
        Assert.Equal("translated InvalidDataException", error.Message);
    }

    [Fact]
    public async Task Filter_that_leaves_a_result_of_another_type_fails_the_call()
    {
        await using var host = await StartAsync<Outer, Mistaken>();
        var error = await Assert.ThrowsAsync(EngineTraits.MistakenResult, () => host.Grain<IGateGrain>().Ping(21));
        Assert.Contains("System.String", error.Message);
    }

    [Fact]
    public async Task Filter_that_does_not_invoke_keeps_the_call_from_the_grain()
    {
        await using var host = await StartAsync<Refusing, Inner>();
        var error = await Assert.ThrowsAsync<GristmillException>(() => host.Grain<IGateGrain>().Ping(1));
        Assert.Equal(GristmillErrorKind.Refused, error.Kind);
        Assert.Empty(host.Probe.Log);
    }

    private Task<EngineHost> StartAsync<TFirst, TSecond>()
        where TFirst : class, IIncomingGrainCallFilter
        where TSecond : class, IIncomingGrainCallFilter => EngineHost.StartAsync(new HostSettings
        {
            Kind = Kind,
            Services = services => services
                .AddSingleton<IIncomingGrainCallFilter, TFirst>()
                .AddSingleton<IIncomingGrainCallFilter, TSecond>(),
        });

    private sealed class Outer(Probe probe) : Noting("outer", probe);

    private sealed class Inner(Probe probe) : Noting("inner", probe);

    private abstract class Noting(string name, Probe probe) : IIncomingGrainCallFilter
    {
        public async Task Invoke(IIncomingGrainCallContext context)
        {
            probe.Note($"{name}:{context.InterfaceMethod.Name}:{context.Grain.GetType().Name}");
            await context.Invoke();
            probe.Note($"{name} done:{context.Result}");
        }
    }

    private sealed class Doubling : IIncomingGrainCallFilter
    {
        public async Task Invoke(IIncomingGrainCallContext context)
        {
            await context.Invoke();
            context.Result = (int)context.Result! * 2;
        }
    }

    private sealed class Mistaken : IIncomingGrainCallFilter
    {
        public async Task Invoke(IIncomingGrainCallContext context)
        {
            await context.Invoke();
            context.Result = "21";
        }
    }

    private sealed class Translating : IIncomingGrainCallFilter
    {
        public async Task Invoke(IIncomingGrainCallContext context)
        {
            try
            {
                await context.Invoke();
            }
            catch (InvalidDataException broken)
            {
                throw new GristmillException(GristmillErrorKind.Conflict, $"translated {broken.GetType().Name}");
            }
        }
    }

    private sealed class Refusing : IIncomingGrainCallFilter
    {
        public Task Invoke(IIncomingGrainCallContext context) =>
            throw new GristmillException(GristmillErrorKind.Refused, "not here");
    }
}

/// <inheritdoc/>
public sealed class FilterTestsOnTwoSilos : FilterTests
{
    protected override HostKind Kind => HostKind.Two;
}
