using Gristmill.Redis;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Engine.Tests.Contract;

public sealed partial record HostSettings
{
    /// <summary>More options of the engine, for tests of the engine alone.</summary>
    public Action<GrainEngineOptions> Engine { get; init; } = _ => { };
}

/// <summary>What the contract leaves to the engine, as the default one has it.</summary>
internal static class EngineTraits
{
    /// <summary>The source of the spans of calls.</summary>
    public const string TraceSource = "Gristmill";

    /// <summary>The option that a refusal beyond the bound of calls names.</summary>
    public const string BoundOfCalls = nameof(GrainEngineOptions.MaxCallsPerActivation);

    /// <summary>What a callee sees of a token that can never be cancelled.</summary>
    public const string WithoutToken = "without a token";

    /// <summary>Whether a value that cannot travel is refused when it is put into the request context.</summary>
    public static bool RefusesContextValues => true;

    /// <summary>What a grain finds of a write that was lost: whether the version that won is named.</summary>
    public const string LostWrite = "stale";

    /// <summary>What a call fails with whose filter left a result of another type.</summary>
    public static Type MistakenResult => typeof(GristmillException);

    /// <summary>Why activations end when the silos of a test stop.</summary>
    public static string[] StopReasons => ["ShuttingDown"];

    /// <summary>Whether a call that is cancelled while it waits never runs, since word of it comes before what is sent later.</summary>
    public static bool CancellationIsInOrder => true;

    /// <summary>Whether the deadline of a call that waits is told by the clock of the silo, which a test can move.</summary>
    public static bool DeadlinesByClockOfSilo => true;

    /// <summary>Whether an activation that ends cancels the ticks that run.</summary>
    public static bool CancelsTicks => true;
}

/// <summary>
/// A silo with the contract's grains, or two of them, on the default engine. The only file of the contract that names it;
/// OrleansEngineHost.cs stands beside it.
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
        builder.Services.AddSingleton(new HostedSilo(settings.SiloName));
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
