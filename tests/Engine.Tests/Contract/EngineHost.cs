using Gristmill.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>What a test wants of the silo it runs on; said without naming an engine.</summary>
public sealed record HostSettings
{
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public TimeSpan CollectionAge { get; init; } = TimeSpan.FromMinutes(15);

    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan DeactivationTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public int MaxCallsPerActivation { get; init; } = 10_000;

    public string? RedisUrl { get; init; }

    public string ServiceId { get; init; } = $"test-{Guid.NewGuid():N}";

    /// <summary>Hosts with the same service and cluster id are one cluster; by default each is alone.</summary>
    public string ClusterId { get; init; } = $"{Guid.NewGuid():N}";

    public bool SerializeLocalCalls { get; init; } = true;

    public Action<IServiceCollection> Services { get; init; } = _ => { };
}

/// <summary>
/// One silo with the contract's grains. The only file of the contract that names the engine: running the contract on
/// another engine means another file in its place.
/// </summary>
public sealed class EngineHost : IAsyncDisposable
{
    private readonly IHost _host;

    private EngineHost(IHost host) => _host = host;

    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    public Probe Probe => _host.Services.GetRequiredService<Probe>();

    public static async Task<EngineHost> StartAsync(HostSettings? given = null)
    {
        var settings = given ?? new();
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSingleton(settings.Time);
        builder.Services.AddSingleton<Probe>();
        if (settings.RedisUrl is { } url)
        {
            builder.Services.AddSingleton(_ => RedisClient.Connect(new RedisOptions { Url = url }, NullLoggerFactory.Instance));
        }

        settings.Services(builder.Services);
        builder.Services.AddGrainEngine(options =>
        {
            foreach (var type in typeof(EngineHost).Assembly.GetTypes().Where(t => IsGrain(t, settings)))
            {
                options.GrainClasses.Add(type);
            }

            options.ServiceId = settings.ServiceId;
            options.ClusterId = settings.ClusterId;
            options.CollectionAge = settings.CollectionAge;
            options.CollectionQuantum = TimeSpan.FromSeconds(1);
            options.ResponseTimeout = settings.ResponseTimeout;
            options.DeactivationTimeout = settings.DeactivationTimeout;
            options.MaxCallsPerActivation = settings.MaxCallsPerActivation;
            options.SerializeLocalCalls = settings.SerializeLocalCalls;
        });
        var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        return new EngineHost(host);
    }

    public TGrain Grain<TGrain>(string? key = null)
        where TGrain : IGrainWithStringKey => Grains.GetGrain<TGrain>(key ?? Guid.NewGuid().ToString("N"));

    public Task StopAsync() => _host.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
    }

    // The grains that keep states run only where there is something to keep them in.
    private static bool IsGrain(Type type, HostSettings settings) =>
        type.IsSubclassOf(typeof(Grain)) && !type.IsAbstract && type.Namespace == typeof(EngineHost).Namespace + ".Grains"
        && (settings.RedisUrl is not null || !type.Name.StartsWith("Stored", StringComparison.Ordinal));
}
