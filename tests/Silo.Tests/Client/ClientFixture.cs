using Gristmill.Client;
using Gristmill.Redis;
using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Silo.Tests.Client;

/// <summary>A client, and a connection beside it, with a service of their own on a server.</summary>
internal sealed class ClientFixture : IAsyncDisposable
{
    private ClientFixture(GristmillClient client, IRedisClient redis, string service)
    {
        Client = client;
        Redis = redis;
        Service = service;
    }

    public GristmillClient Client { get; }

    public IRedisClient Redis { get; }

    public string Service { get; }

    public IQueueClient Queue => Client.Queue("asr");

    public static ClientFixture Create(string url, Action<GristmillClientOptions>? configure = null, string? clientUrl = null)
    {
        var service = $"t{Guid.NewGuid():N}";
        var options = new GristmillClientOptions { Redis = clientUrl ?? url, Service = service, PollInterval = TimeSpan.FromMinutes(10) };
        configure?.Invoke(options);
        return new ClientFixture(
            GristmillClient.Connect(options, NullLoggerFactory.Instance),
            RedisClient.Connect(RedisOptions.Parse(url), NullLoggerFactory.Instance),
            service);
    }

    public static async Task<ClientFixture> CreateAsync(SharedStores stores, StoreKind kind, Action<GristmillClientOptions>? configure = null) =>
        Create((await stores.GetAsync(kind)).Url, configure);

    public async Task<HandSilo> SiloAsync(string queue = "asr", string name = "hand")
    {
        var silo = new HandSilo(Redis, Service, queue, name);
        await silo.JoinAsync();
        return silo;
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Redis.DisposeAsync();
    }
}

internal sealed record Clip(string SessionId, int Chunk);

internal sealed record Words(string Text, int Count);
