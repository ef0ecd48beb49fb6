using Gristmill.Engine.Tests.Contract;
using Gristmill.Testing;

[assembly: AssemblyFixture(typeof(ContractStore))]

namespace Gristmill.Engine.Tests.Contract;

/// <summary>The Redis that silos of the contract meet at; started when the first pair of them is.</summary>
public sealed class ContractStore : IAsyncDisposable
{
    private static Lazy<Task<RedisServer>> s_server = New();

    public static async Task<string> UrlAsync() => (await s_server.Value).Url;

    public async ValueTask DisposeAsync()
    {
        if (s_server.IsValueCreated)
            await (await s_server.Value).DisposeAsync();
        s_server = New();
    }

    private static Lazy<Task<RedisServer>> New() => new(() => RedisServer.StartAsync());
}
