using System.Reflection;
using System.Runtime.Loader;
using Gristmill.Grains.Handlers;
using Gristmill.Samples.Handler;
using Microsoft.Extensions.Configuration;
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
    public async Task Assembly_of_the_configuration_is_loaded_apart_and_registers_what_its_handlers_need()
    {
        var path = typeof(CountWords).Assembly.Location;
        var settings = new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("StopWords", (string?)"to or")]).Build();
        var registry = Registry(services => HandlerAssembly.Add(services, Path.GetRelativePath(Environment.CurrentDirectory, path), settings));
        await using var runner = registry.CreateRunner("count_words");
        await runner.StartAsync(TestEnd);
        Assert.Equal("""{"words":3}""", Attempts.ResultOf(await runner.RunAsync("""{"session_id":"s1","chunk":7,"transcript":"to be or not to be"}""", TestEnd)));
        Assert.Contains(AssemblyLoadContext.All, context => context.Name == $"handlers {path}");
    }

    [Fact]
    public async Task Handler_that_lacks_a_service_is_refused_with_where_to_register_it()
    {
        await using var runner = Registry(services => services.AddJobHandler<NeedyHandler>("needy")).CreateRunner("needy");
        var error = await Assert.ThrowsAsync<RunnerStartException>(() => runner.StartAsync(TestEnd));
        Assert.Contains("IFormatProvider", error.Message, StringComparison.Ordinal);
        Assert.Contains("Register it in a class that implements IHandlerServices", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nowhere/handlers.dll", "there is no such file")]
    [InlineData("/bin/sh", "cannot be used")]
    [InlineData(null, "no class in it has [JobHandler]")]
    public void Assembly_that_is_unusable_is_refused_with_its_whole_path(string? file, string expected)
    {
        file ??= typeof(JobContext).Assembly.Location;
        var error = Assert.Throws<RunnerStartException>(() => HandlerAssembly.Add(new ServiceCollection(), file, new ConfigurationManager()));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains(Path.GetFullPath(file), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_out_of_bounds_are_refused_with_option_value_and_bound()
    {
        var result = new HandlerOptionsValidator().Validate(null, new HandlerOptions { MaxResultBytes = 5 });
        Assert.Equal(["Handlers:MaxResultBytes is 5; it must be from 1024 to 67108864."], result.Failures!);
        Assert.Equal(ValidateOptionsResult.Success, new HandlerOptionsValidator().Validate(null, new HandlerOptions()));
    }

    private static HandlerRegistry Registry(Action<IServiceCollection> configure)
    {
        var services = new ServiceCollection().AddLogging();
        services.AddJobHandlerRegistry();
        configure(services);
        return services.BuildServiceProvider().GetRequiredService<HandlerRegistry>();
    }
}
