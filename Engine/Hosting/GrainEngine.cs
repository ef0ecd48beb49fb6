using System.Reflection;
using Gristmill.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Engine;

/// <summary>The parts of one silo's engine, put together. Created with the host's services, opened and closed by <see cref="GrainEngineService"/>.</summary>
internal sealed class GrainEngine : IAsyncDisposable, IDisposable
{
    private readonly Lazy<IIncomingGrainCallFilter[]> _filters;
    private readonly OutstandingCalls _outstanding;
    private readonly LoneSilo _alone;

    public GrainEngine(IOptions<GrainEngineOptions> options, IServiceProvider services, TimeProvider time, ILogger<GrainEngine> log)
    {
        Options = options.Value;
        Services = services;
        Time = time;
        Log = log;
        Manifest = new GrainManifest(Options.GrainClasses, Options.LocalOnly);
        Record = DescribeSilo();
        _alone = new LoneSilo(new SiloAddress(Options.SiloName, Guid.NewGuid()), Record);
        Serializer = new WireSerializer(Options.MaxMessageBytes);
        Catalog = new ActivationCatalog(this);
        _outstanding = new OutstandingCalls(time);
        Router = new Router(this, new Random((services.GetService<Random>() ?? new Random()).Next()));
        var codec = new CallCodec(Manifest, Serializer, time);
        GrainFactory = new GrainFactory(Manifest, new CallSender(Options, Router, _outstanding, codec, time));
        if (HasRedis)
            Cluster = Cluster.OnRedis(this, services.GetRequiredService<IRedisClient>(), codec);

        // Filters may themselves want the grain factory, so they are made when the first call needs them.
        _filters = new(() => [.. services.GetServices<IIncomingGrainCallFilter>()]);
    }

    public GrainEngineOptions Options { get; }

    public IServiceProvider Services { get; }

    public TimeProvider Time { get; }

    public ILogger Log { get; }

    /// <summary>This silo's address now.</summary>
    public SiloAddress Silo => Membership.LocalSilo;

    /// <summary>What this silo says of itself to the others.</summary>
    public MemberRecord Record { get; }

    public IClusterMembershipService Membership => (IClusterMembershipService?)Cluster?.Membership ?? _alone;

    public GrainManifest Manifest { get; }

    public WireSerializer Serializer { get; }

    public ActivationCatalog Catalog { get; }

    public Router Router { get; }

    /// <summary>The other silos; null where there is no Redis to meet them at.</summary>
    public Cluster? Cluster { get; }

    public IGrainFactory GrainFactory { get; }

    public IIncomingGrainCallFilter[] Filters => _filters.Value;

    /// <summary>Whether there is a Redis to keep states in.</summary>
    public bool HasRedis => Services.GetService<IServiceProviderIsService>()?.IsService(typeof(IRedisClient)) ?? false;

    public IGrainStorage Storage => Services.GetRequiredService<IGrainStorage>();

    public async ValueTask DisposeAsync()
    {
        if (Cluster is not null)
            await Cluster.DisposeAsync().ConfigureAwait(false);
        _outstanding.Dispose();
    }

    // For a host that is disposed of without waiting; what ends here ends at once.
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private MemberRecord DescribeSilo() => new()
    {
        Host = Environment.MachineName,
        Pid = Environment.ProcessId,
        StartedAt = Time.GetUtcNow().ToUnixTimeMilliseconds(),
        Version = typeof(GrainEngine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "",
        Protocol = [Message.OldestVersion, Message.NewestVersion],
        Grains = [.. Manifest.Classes.Select(c => c.Name).Order(StringComparer.Ordinal)],
    };
}
