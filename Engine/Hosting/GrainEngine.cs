using Gristmill.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gristmill.Engine;

/// <summary>The parts of one silo's engine, put together. Created with the host's services, opened and closed by <see cref="GrainEngineService"/>.</summary>
internal sealed class GrainEngine : IDisposable
{
    private readonly Lazy<IIncomingGrainCallFilter[]> _filters;
    private readonly OutstandingCalls _outstanding;

    public GrainEngine(IOptions<GrainEngineOptions> options, IServiceProvider services, TimeProvider time, ILogger<GrainEngine> log)
    {
        Options = options.Value;
        Services = services;
        Time = time;
        Log = log;
        Silo = new SiloAddress(Options.SiloName, Guid.NewGuid());
        Manifest = new GrainManifest(Options.GrainClasses);
        Serializer = new WireSerializer(Options.MaxMessageBytes);
        Catalog = new ActivationCatalog(this);
        _outstanding = new OutstandingCalls(time);
        GrainFactory = new GrainFactory(
            Manifest, new CallSender(Options, Catalog, _outstanding, new CallCodec(Manifest, Serializer, time), time));

        // Filters may themselves want the grain factory, so they are made when the first call needs them.
        _filters = new(() => [.. services.GetServices<IIncomingGrainCallFilter>()]);
    }

    public GrainEngineOptions Options { get; }

    public IServiceProvider Services { get; }

    public TimeProvider Time { get; }

    public ILogger Log { get; }

    public SiloAddress Silo { get; }

    public GrainManifest Manifest { get; }

    public WireSerializer Serializer { get; }

    public ActivationCatalog Catalog { get; }

    public IGrainFactory GrainFactory { get; }

    public IIncomingGrainCallFilter[] Filters => _filters.Value;

    /// <summary>Whether there is a Redis to keep states in.</summary>
    public bool HasRedis => Services.GetService<IServiceProviderIsService>()?.IsService(typeof(IRedisClient)) ?? false;

    public IGrainStorage Storage => Services.GetRequiredService<IGrainStorage>();

    public void Dispose() => _outstanding.Dispose();
}
