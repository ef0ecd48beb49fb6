using Gristmill.Engine.Tests.Contract.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Gristmill.Engine.Tests.Hosting;

/// <summary>What is wrong with how a silo is set up is said when it starts.</summary>
public sealed class GrainEngineServiceTests
{
    [Fact]
    public async Task Options_out_of_bounds_are_named_with_value_and_bound()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync(options =>
        {
            options.SiloName = "a silo";
            options.ResponseTimeout = TimeSpan.Zero;
            options.CollectionQuantum = TimeSpan.FromHours(1);
            options.MaxCallsPerActivation = 0;
        }));
        Assert.Equal(4, error.Failures.Count());
        Assert.Contains("SiloName is 'a silo'; it must be 1 to 64 letters, digits, '-', '_' and '.'.", error.Failures);
        Assert.Contains("ResponseTimeout is 00:00:00; it must be from 00:00:00.1000000 to 01:00:00.", error.Failures);
        Assert.Contains("CollectionQuantum is 01:00:00; it must be from 00:00:00.1000000 to 00:15:00.", error.Failures);
        Assert.Contains("MaxCallsPerActivation is 0; it must be from 1 to 2147483647.", error.Failures);
    }

    [Fact]
    public async Task Grain_with_a_state_and_no_Redis_is_refused()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(o => o.GrainClasses.Add(typeof(StoredGrain))));
        Assert.Contains("StoredGrain keeps a state, and no IRedisClient is among the services", error.Message);
    }

    [Fact]
    public async Task Activations_beyond_the_bound_are_refused_as_overloaded()
    {
        using var host = await StartAsync(options =>
        {
            options.GrainClasses.Add(typeof(TurnGrain));
            options.MaxActivations = 2;
        });
        var grains = host.Services.GetRequiredService<IGrainFactory>();
        await grains.GetGrain<ITurnGrain>("a").Total();
        await grains.GetGrain<ITurnGrain>("b").Total();
        var error = await Assert.ThrowsAsync<GristmillException>(() => grains.GetGrain<ITurnGrain>("c").Total());
        Assert.Equal(GristmillErrorKind.Overloaded, error.Kind);
        Assert.Equal(0, await grains.GetGrain<ITurnGrain>("a").Total());
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Call_before_the_silo_runs_is_refused()
    {
        using var host = Build(options => options.GrainClasses.Add(typeof(TurnGrain)));
        var error = await Assert.ThrowsAsync<GristmillException>(
            () => host.Services.GetRequiredService<IGrainFactory>().GetGrain<ITurnGrain>("a").Total());
        Assert.Equal(GristmillErrorKind.Unavailable, error.Kind);
    }

    [Fact]
    public void Interface_that_no_class_implements_is_refused_by_name()
    {
        using var host = Build(_ => { });
        var error = Assert.Throws<ArgumentException>(() => host.Services.GetRequiredService<IGrainFactory>().GetGrain<ITurnGrain>("a"));
        Assert.Contains("ITurnGrain", error.Message);
        Assert.Throws<ArgumentException>(() => host.Services.GetRequiredService<IGrainFactory>().GetGrain<ITurnGrain>(""));
    }

    private static IHost Build(Action<GrainEngineOptions> configure)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddGrainEngine(configure);
        return builder.Build();
    }

    private static async Task<IHost> StartAsync(Action<GrainEngineOptions> configure)
    {
        var host = Build(configure);
        await host.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }
}
