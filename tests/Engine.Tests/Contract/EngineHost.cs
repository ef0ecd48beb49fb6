using Gristmill.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>Where a test's calls go.</summary>
public enum HostKind
{
    /// <summary>To grains of the same silo, as objects.</summary>
    One,

    /// <summary>To grains of the same silo, in the form that they would have between silos.</summary>
    OneWithWire,

    /// <summary>To another silo: the test's drains, so that every grain is active on the other.</summary>
    Two,
}

/// <summary>What a test wants of the silo it runs on; said without naming an engine.</summary>
public sealed record HostSettings
{
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public TimeSpan CollectionAge { get; init; } = TimeSpan.FromMinutes(15);

    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan DeactivationTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public int MaxCallsPerActivation { get; init; } = 10_000;

    public HostKind Kind { get; init; } = HostKind.OneWithWire;

    public string? RedisUrl { get; init; }

    public string ServiceId { get; init; } = $"test-{Guid.NewGuid():N}";

    /// <summary>Hosts with the same service and cluster id are one cluster; by default each is alone.</summary>
    public string ClusterId { get; init; } = $"{Guid.NewGuid():N}";

    public string SiloName { get; init; } = "silo";

    /// <summary>Shared by silos of one test; by default each host has its own.</summary>
    public Probe? Probe { get; init; }

    public Action<IServiceCollection> Services { get; init; } = _ => { };

    /// <summary>More options of the engine, for tests of the engine alone.</summary>
    public Action<GrainEngineOptions> Engine { get; init; } = _ => { };
}

/// <summary>
/// A silo with the contract's grains, or two of them. The only file of the contract that names the engine: running the
/// contract on another engine means another file in its place.
/// </summary>
public sealed class EngineHost : IAsyncDisposable
{
    private readonly List<IHost> _hosts;

    private EngineHost(List<IHost> hosts) => _hosts = hosts;

    public IGrainFactory Grains => Services.GetRequiredService<IGrainFactory>();

    public Probe Probe => Services.GetRequiredService<Probe>();

    /// <summary>The services of the silo that calls.</summary>
    public IServiceProvider Services => _hosts[0].Services;

    public static async Task<EngineHost> StartAsync(HostSettings? given = null)
    {
        var settings = given ?? new();
        var probe = settings.Probe ?? new Probe();
        if (settings.Kind != HostKind.Two)
            return new EngineHost([await StartOneAsync(settings, probe)]);

        settings = settings with { RedisUrl = settings.RedisUrl ?? await ContractStore.UrlAsync() };
        var caller = await StartOneAsync(settings with { SiloName = "caller" }, probe);
        await caller.Services.GetRequiredService<IClusterMembershipService>().DrainAsync(TestContext.Current.CancellationToken);
        var callee = await StartOneAsync(settings with { SiloName = "callee" }, probe);
        return new EngineHost([caller, callee]);
    }

    public TGrain Grain<TGrain>(string? key = null)
        where TGrain : IGrainWithStringKey => Grains.GetGrain<TGrain>(key ?? Guid.NewGuid().ToString("N"));

    public async Task StopAsync()
    {
        foreach (var host in _hosts)
            await host.StopAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Ends without a word to anybody, as far as that can be done within a process.</summary>
    public async Task KillAsync()
    {
        foreach (var host in _hosts)
            await ((IAsyncDisposable)host).DisposeAsync();
        _hosts.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        if (_hosts.Count == 0)
            return;
        await StopAsync();
        await KillAsync();
    }

    private static async Task<IHost> StartOneAsync(HostSettings settings, Probe probe)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSingleton(settings.Time);
        builder.Services.AddSingleton(probe);
        if (settings.RedisUrl is { } url)
        {
            builder.Services.AddSingleton(_ => RedisClient.Connect(new RedisOptions { Url = url }, NullLoggerFactory.Instance));
        }

        settings.Services(builder.Services);
        builder.Services.AddGrainEngine(options => Configure(options, settings));
        var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    private static void Configure(GrainEngineOptions options, HostSettings settings)
    {
        foreach (var type in typeof(EngineHost).Assembly.GetTypes().Where(t => IsGrain(t, settings)))
        {
            options.GrainClasses.Add(type);
        }

        options.ServiceId = settings.ServiceId;
        options.ClusterId = settings.ClusterId;
        options.SiloName = settings.SiloName;
        options.CollectionAge = settings.CollectionAge;
        options.CollectionQuantum = TimeSpan.FromSeconds(1);
        options.ResponseTimeout = settings.ResponseTimeout;
        options.DeactivationTimeout = settings.DeactivationTimeout;
        options.MaxCallsPerActivation = settings.MaxCallsPerActivation;
        options.SerializeLocalCalls = settings.Kind != HostKind.One;
        if (settings.Time is FakeTimeProvider)
        {
            // The clock that the test moves by leaps is not the one that Redis goes by.
            options.MembershipTtl = TimeSpan.FromHours(1);
        }

        settings.Engine(options);
    }

    // The grains that keep states run only where there is something to keep them in.
    private static bool IsGrain(Type type, HostSettings settings) =>
        type.IsSubclassOf(typeof(Grain)) && !type.IsAbstract && type.Namespace == typeof(EngineHost).Namespace + ".Grains"
        && (settings.RedisUrl is not null || !type.Name.StartsWith("Stored", StringComparison.Ordinal));
}
