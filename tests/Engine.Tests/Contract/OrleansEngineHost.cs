using System.Net;
using Gristmill.Engine.Tests.Contract.Grains;
using Gristmill.Silo.Hosting;
using Gristmill.Testing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Orleans.Configuration;
using StackExchange.Redis;

namespace Gristmill.Engine.Tests.Contract;

/// <summary>What the contract leaves to the engine, as Orleans has it.</summary>
internal static class EngineTraits
{
    /// <summary>The source of the spans of calls.</summary>
    public const string TraceSource = "Microsoft.Orleans.Application";

    /// <summary>The option that a refusal beyond the bound of calls names.</summary>
    public const string BoundOfCalls = "MaxEnqueuedRequests";

    /// <summary>What a callee sees of a token that can never be cancelled: one of the call's own.</summary>
    public const string WithoutToken = "with a token";

    /// <summary>Whether a value that cannot travel is refused when it is put into the request context. It fails the call instead.</summary>
    public static bool RefusesContextValues => false;

    /// <summary>What a grain finds of a write that was lost: the store in Redis does not name the version that won.</summary>
    public const string LostWrite = "same etags";

    /// <summary>What a call fails with whose filter left a result of another type: it is found by the caller, behind all that translates.</summary>
    public static Type MistakenResult => typeof(InvalidCastException);

    /// <summary>Why activations end when the silos of a test stop: with the caller's goes the part of the directory in which they stand.</summary>
    public static string[] StopReasons => ["ShuttingDown", "DirectoryFailure", "RuntimeRequested"];

    /// <summary>Whether a call that is cancelled while it waits never runs, since word of it comes before what is sent later.</summary>
    public static bool CancellationIsInOrder => false;

    /// <summary>Whether the deadline of a call that waits is told by the clock of the silo, which a test can move. It is told by the machine's.</summary>
    public static bool DeadlinesByClockOfSilo => false;

    /// <summary>Whether an activation that ends cancels the ticks that run. It waits for them.</summary>
    public static bool CancelsTicks => false;
}

/// <summary>
/// A silo with the contract's grains, or two of them, on Orleans. The only file of the contract that names it;
/// RedisEngineHost.cs stands beside it.
/// </summary>
public sealed class EngineHost : IAsyncDisposable
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(20);
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
            return new EngineHost([await StartOneAsync(settings, probe, hostsGrains: true)]);

        settings = settings with { RedisUrl = settings.RedisUrl ?? await ContractStore.UrlAsync() };
        var caller = await StartOneAsync(settings with { SiloName = "caller" }, probe, hostsGrains: false);
        var callee = await StartOneAsync(settings with { SiloName = "callee" }, probe, hostsGrains: true);
        await KnownAsync(caller, callee);
        return new EngineHost([caller, callee]);
    }

    public TGrain Grain<TGrain>(string? key = null)
        where TGrain : IGrainWithStringKey => Grains.GetGrain<TGrain>(key ?? Guid.NewGuid().ToString("N"));

    public async Task StopAsync()
    {
        // By the clock on the wall: the one that the test moves may stand still.
        using var limit = new CancellationTokenSource(StopLimit);
        foreach (var host in _hosts)
            await host.StopAsync(limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        foreach (var host in _hosts)
            await ((IAsyncDisposable)host).DisposeAsync();
    }

    private static async Task<IHost> StartOneAsync(HostSettings settings, Probe probe, bool hostsGrains)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        Clocks(builder.Services, settings.Time);
        builder.Services.AddSingleton(probe);
        builder.Services.AddSingleton(new HostedSilo(settings.SiloName));
        builder.UseOrleans(silo =>
        {
            silo.AddGristmillRules(_ => false);
            Configure(silo, settings);
            if (!hostsGrains) silo.Configure<GrainTypeOptions>(types => types.Classes.RemoveWhere(t => t.Namespace == typeof(GateGrain).Namespace));
        });
        settings.Services(builder.Services);
        OfGrainsAlone(builder.Services);
        var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    // Orleans shows filters its own calls too; those of a test are about grains.
    private static void OfGrainsAlone(IServiceCollection services)
    {
        var filters = services.Where(s => s.ServiceType == typeof(IIncomingGrainCallFilter) && s.ImplementationType?.Assembly == typeof(EngineHost).Assembly).ToList();
        foreach (var filter in filters)
        {
            services.Remove(filter);
            services.AddSingleton<IIncomingGrainCallFilter>(provider => new OfGrains((IIncomingGrainCallFilter)ActivatorUtilities.CreateInstance(provider, filter.ImplementationType!)));
        }
    }

    private sealed class OfGrains(IIncomingGrainCallFilter filter) : IIncomingGrainCallFilter
    {
        public Task Invoke(IIncomingGrainCallContext context) => context.Grain is Grain ? filter.Invoke(context) : context.Invoke();
    }

    // A clock that the test moves by leaps is that of grains and calls, and not that by which silos watch each other.
    private static void Clocks(IServiceCollection services, TimeProvider time)
    {
        services.AddSingleton(time);
        if (time is not FakeTimeProvider) return;
        foreach (var area in new[] { TimeProviderNames.SystemTimers, TimeProviderNames.Membership, TimeProviderNames.GrainDirectory })
            services.AddKeyedSingleton(area, TimeProvider.System);
    }

    private static void Configure(ISiloBuilder silo, HostSettings settings)
    {
        silo.Configure<SiloOptions>(options => options.SiloName = settings.SiloName);
        silo.Configure<GrainCollectionOptions>(options =>
        {
            options.CollectionAge = settings.CollectionAge;
            options.CollectionQuantum = TimeSpan.FromSeconds(1);
            options.DeactivationTimeout = settings.DeactivationTimeout;
        });
        silo.Configure<SiloMessagingOptions>(options =>
        {
            options.ResponseTimeout = settings.ResponseTimeout;
            // Those that are there when another comes.
            options.MaxEnqueuedRequestsHardLimit = settings.MaxCallsPerActivation - 1;
        });
        var port = Ports.Next();
        if (settings.RedisUrl is not { } url)
        {
            silo.UseLocalhostClustering(port, gatewayPort: 0, primarySiloEndpoint: null, settings.ServiceId, settings.ClusterId);
            return;
        }

        var redis = new ConfigurationOptions { EndPoints = { new IPEndPoint(IPAddress.Loopback, new Uri(url).Port) } };
        silo.UseRedisClustering(options => options.ConfigurationOptions = redis);
        foreach (var name in new[] { "Default", "main" })
            silo.AddRedisGrainStorage(name, options => (options.ConfigurationOptions, options.DeleteStateOnClear) = (redis, true));
        silo.Configure<ClusterOptions>(options => (options.ServiceId, options.ClusterId) = (settings.ServiceId, settings.ClusterId));
        silo.ConfigureEndpoints(IPAddress.Loopback, port, gatewayPort: 0);
    }

    // The caller finds grains on the callee once it knows what that one hosts. An update is told of before it is the current one.
    private static Task KnownAsync(IHost caller, IHost callee)
    {
        var silo = callee.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress;
        var manifests = caller.Services.GetRequiredService<IClusterManifestProvider>();
        return Eventually.TrueAsync("the caller knows what the callee hosts", () => manifests.Current.Silos.ContainsKey(silo), StopLimit, TestContext.Current.CancellationToken);
    }
}
