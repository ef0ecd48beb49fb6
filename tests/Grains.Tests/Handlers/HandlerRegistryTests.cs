using System.Reflection;
using System.Runtime.Loader;
using Gristmill.Grains.Handlers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Gristmill.Grains.Tests.Handlers;

public sealed class HandlerRegistryTests
{
    private static CancellationToken TestEnd => TestContext.Current.CancellationToken;

    [Fact]
    public void Name_given_twice_is_refused_with_both_types()
    {
        var error = Assert.Throws<RunnerStartException>(() => Registry(services => services
            .AddJobHandler<EchoHandler>("asr")
            .AddJobHandler<TextHandler>("asr")));
        Assert.Contains("'asr'", error.Message, StringComparison.Ordinal);
        Assert.Contains(typeof(EchoHandler).FullName!, error.Message, StringComparison.Ordinal);
        Assert.Contains(typeof(TextHandler).FullName!, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Name_that_is_not_there_is_refused_with_those_that_are()
    {
        var registry = Registry(services => services.AddJobHandler<EchoHandler>("b").AddJobHandler<TextHandler>("a"));
        var error = Assert.Throws<RunnerStartException>(() => registry.CreateRunner("c"));
        Assert.StartsWith("No job handler is named 'c'; there are: a, b. Give the assembly that has it (--handlers ", error.Message, StringComparison.Ordinal);
        Assert.Equal(["a", "b"], registry.Names);
    }

    [Fact]
    public async Task Assembly_that_is_scanned_gives_its_attributed_handlers()
    {
        var registry = Registry(services => services.AddJobHandlers(Assembly.GetExecutingAssembly()));
        await using var runner = registry.CreateRunner("attributed");
        await runner.StartAsync(TestEnd);
        Assert.Equal("5", Attempts.ResultOf(await runner.RunAsync("""{"n":5}""", TestEnd)));
    }

    [Fact]
    public void Class_that_is_no_handler_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new ServiceCollection().AddJobHandler<object>("x"));
        Assert.Contains("System.Object", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<ArgumentException>(
            () => new ServiceCollection().AddJobHandler<EchoHandler>("x", ServiceLifetime.Transient));
        Assert.Contains("Transient", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Handler_that_the_container_knows_keeps_its_own_lifetime()
    {
        var registry = Registry(services => services
            .AddSingleton<ScopedThing.Count>().AddScoped<ScopedThing>().AddScoped<ScopedHandler>()
            .AddJobHandler<ScopedHandler>("x"));
        await using var runner = registry.CreateRunner("x");
        Assert.Contains("scoped", runner.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plugin_is_loaded_apart_and_shares_the_contract()
    {
        var path = Assembly.GetExecutingAssembly().Location;
        var registry = Registry(services => Plug(services, path, typeof(AttributedHandler).FullName!));
        await using var runner = registry.CreateRunner("attributed");
        await runner.StartAsync(TestEnd);
        Assert.Equal("6", Attempts.ResultOf(await runner.RunAsync("""{"n":6}""", TestEnd)));
        Assert.Contains(AssemblyLoadContext.All, context => context.Name == $"plug-in {path}");
    }

    [Theory]
    [InlineData("/nowhere/plugin.dll", null, "/nowhere/plugin.dll")]
    [InlineData(null, "No.Such.Type", "there is no type No.Such.Type")]
    [InlineData(null, "Gristmill.Grains.Tests.Handlers.EchoHandler", "has no [JobHandler]")]
    [InlineData("/bin/sh", null, "cannot be used")]
    public void Plugin_that_is_unusable_is_refused_with_what_is_missing(string? path, string? type, string expected)
    {
        path ??= Assembly.GetExecutingAssembly().Location;
        var error = Assert.Throws<RunnerStartException>(() => Registry(services => Plug(services, path, type)));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_out_of_bounds_are_refused_with_option_value_and_bound()
    {
        var result = new HandlerOptionsValidator().Validate(
            null, new HandlerOptions { MaxResultBytes = 5, Plugins = { new HandlerPlugin() } });
        Assert.Equal(
            [
                "Handlers:MaxResultBytes is 5; it must be from 1024 to 67108864.",
                "Handlers:Plugins:0:Path is ''; it must name an assembly's file.",
            ],
            result.Failures!);
        Assert.Equal(ValidateOptionsResult.Success, new HandlerOptionsValidator().Validate(null, new HandlerOptions()));
    }

    private static void Plug(IServiceCollection services, string path, string? type) => services.Configure<HandlerOptions>(options =>
    {
        var plugin = new HandlerPlugin { Path = path };
        if (type is not null)
        {
            plugin.Types.Add(type);
        }

        options.Plugins.Add(plugin);
    });

    private static HandlerRegistry Registry(Action<IServiceCollection> configure)
    {
        var services = new ServiceCollection().AddLogging();
        services.AddJobHandlerRegistry();
        configure(services);
        return services.BuildServiceProvider().GetRequiredService<HandlerRegistry>();
    }
}
