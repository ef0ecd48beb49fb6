using Gristmill.Engine.Tests.Contract;
using Gristmill.Testing;

namespace Gristmill.Engine.Tests.Cluster;

/// <summary>Silos of one cluster in this process, each behind a proxy of its own that can cut it off from Redis.</summary>
public sealed class TestCluster(IRedisServer server) : IAsyncDisposable
{
    public static readonly TimeSpan Ttl = TimeSpan.FromSeconds(2);

    private readonly string _id = $"{Guid.NewGuid():N}";
    private readonly Dictionary<string, (EngineHost Host, TcpProxy Proxy)> _silos = [];

    public Probe Probe { get; } = new();

    /// <summary>Where it is in Redis.</summary>
    internal ClusterKeys Keys => new("test", _id, 0);

    public IReadOnlyList<string> Names => [.. _silos.Keys];

    public EngineHost this[string name] => _silos[name].Host;

    public static IClusterMembershipService MembershipOf(EngineHost host) => host.Services.GetRequiredService<IClusterMembershipService>();

    public async Task<EngineHost> StartAsync(string name, Action<GrainEngineOptions>? configure = null)
    {
        var proxy = TcpProxy.Start(server.Port);
        var host = await EngineHost.StartAsync(new HostSettings
        {
            Kind = HostKind.One,
            RedisUrl = proxy.Url,
            ServiceId = "test",
            ClusterId = _id,
            SiloName = name,
            Probe = Probe,
            ResponseTimeout = TimeSpan.FromSeconds(10),
            Engine = options =>
            {
                options.MembershipTtl = Ttl;
                options.MembershipRenew = TimeSpan.FromMilliseconds(400);
                options.LocalOnly = type => type.Name.StartsWith("Bound", StringComparison.Ordinal);
                configure?.Invoke(options);
            },
        });
        _silos.Add(name, (host, proxy));
        await AgreedAsync();
        return host;
    }

    /// <summary>Waits until all silos that run see each other, and nobody else.</summary>
    public Task AgreedAsync() => Eventually.TrueAsync(
        "every silo sees the same members",
        () => _silos.Values.All(s => MembershipOf(s.Host).CurrentSnapshot.Members.Select(m => m.Name).Order().SequenceEqual(_silos.Keys.Order())),
        cancellationToken: TestContext.Current.CancellationToken);

    public TcpProxy ProxyOf(string name) => _silos[name].Proxy;

    /// <summary>Ends a silo in order.</summary>
    public async Task StopAsync(string name)
    {
        _silos.Remove(name, out var silo);
        await silo.Host.DisposeAsync();
        await silo.Proxy.DisposeAsync();
    }

    /// <summary>Ends a silo without a word to the others.</summary>
    public async Task KillAsync(string name)
    {
        _silos.Remove(name, out var silo);
        await silo.Proxy.RefuseNewAsync();
        silo.Proxy.Cut();
        await silo.Host.KillAsync();
        Probe.Killed(name);
        await silo.Proxy.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var name in Names)
            await StopAsync(name);
    }
}
