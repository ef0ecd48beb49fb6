namespace Gristmill.Testing;

/// <summary>The servers that everything is tested on.</summary>
public enum StoreKind
{
    Redis,
    Garnet,
}

/// <summary>Starts servers by kind, and the rows for a theory that runs on both.</summary>
public static class Stores
{
    /// <summary>For <c>[Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]</c>.</summary>
    public static IEnumerable<object[]> Both() => [[StoreKind.Redis], [StoreKind.Garnet]];

    /// <summary>Starts a server of its own for one test; dispose it.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="persistent">Whether it keeps its data over a restart: the append-only file.</param>
    /// <param name="password">Asks for this password; null for none.</param>
    public static async Task<IRedisServer> StartAsync(StoreKind kind, bool persistent = false, string? password = null) => kind switch
    {
        StoreKind.Redis => await RedisServer.StartAsync(new RedisServerSettings
        {
            Password = password,
            Arguments = persistent ? ["--appendonly", "yes", "--appendfsync", "always"] : [],
        }),
        _ => await GarnetServer.StartAsync(password),
    };
}

/// <summary>
/// One server of each kind, started when first asked for and shared by the tests of a class: <c>IClassFixture</c>. Tests
/// keep to keys of their own.
/// </summary>
public sealed class SharedStores : IAsyncDisposable
{
    private readonly Dictionary<StoreKind, Task<IRedisServer>> _servers = [];

    public Task<IRedisServer> GetAsync(StoreKind kind)
    {
        lock (_servers)
        {
            if (!_servers.TryGetValue(kind, out var server))
            {
                _servers[kind] = server = Stores.StartAsync(kind);
            }

            return server;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers.Values)
        {
            // One that could not be started has failed, or skipped, the tests that asked for it.
            if (server.IsCompletedSuccessfully) await (await server).DisposeAsync();
        }
    }
}
