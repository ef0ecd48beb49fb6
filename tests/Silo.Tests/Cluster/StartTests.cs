using System.Net;
using System.Net.Sockets;
using Gristmill.Redis;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Cluster;

/// <summary>A silo that cannot start leaves no trace of itself in the cluster.</summary>
public sealed class StartTests
{
    [Fact]
    public async Task Silo_whose_port_is_taken_names_the_option_and_never_joins()
    {
        await using var bench = await FaultBench.StartAsync();
        var port = Ports.Next();
        using var taken = new TcpListener(IPAddress.Loopback, port);
        taken.Start();
        var silo = await bench.StartSiloAsync(new SiloSettings { Url = $"http://127.0.0.1:{port}" }, waitUntilReady: false);
        await silo.WaitForExitAsync();
        Assert.Equal(1, silo.ExitCode);
        var said = Assert.Single(silo.Lines("gristmill:"));
        Assert.Contains($"http://127.0.0.1:{port}", said, StringComparison.Ordinal);
        Assert.Contains("--url or Gristmill:Url", said, StringComparison.Ordinal);
        Assert.Equal(0, (await bench.Redis.ExecuteAsync(new RedisCommand("DBSIZE"), TestContext.Current.CancellationToken)).AsInteger());
    }

    [Fact]
    public async Task Silo_with_a_queue_that_has_no_handler_names_the_option_and_never_joins()
    {
        await using var bench = await FaultBench.StartAsync();
        await bench.Redis.ExecuteAsync(new RedisCommand("RPUSH", "waiting", "{}"), TestContext.Current.CancellationToken);
        var silo = await bench.StartSiloAsync(
            new SiloSettings { Arguments = ["--queue", "other", "--list", "waiting", "--handler", "nobody"] }, waitUntilReady: false);
        await silo.WaitForExitAsync();
        Assert.Equal(2, silo.ExitCode);
        Assert.StartsWith("gristmill: Gristmill:Queues:other:Handler: No job handler is named 'nobody'; there are: ", Assert.Single(silo.Lines("gristmill:")), StringComparison.Ordinal);
        Assert.Equal(1, (await bench.Redis.ExecuteAsync(new RedisCommand("DBSIZE"), TestContext.Current.CancellationToken)).AsInteger());
    }

    [Fact]
    public async Task Silo_that_fails_after_it_has_joined_leaves_in_order_and_names_the_option()
    {
        await using var bench = await FaultBench.StartAsync();

        // There is no certificate: the server finds that when it binds, last of all.
        var silo = await bench.StartSiloAsync(new SiloSettings { Url = $"https://127.0.0.1:{Ports.Next()}" }, waitUntilReady: false);
        await silo.WaitForExitAsync();
        Assert.Equal(1, silo.ExitCode);
        Assert.Contains("Gristmill:Url", Assert.Single(silo.Lines("gristmill:")), StringComparison.Ordinal);
        if (EngineUnderTest.SaysJoined is { } joined) Assert.NotEmpty(silo.Lines(joined));
        await AssertNobodyAsync(bench);
    }

    [Fact]
    public async Task Silo_that_ends_while_it_renews_leaves_no_lease_behind()
    {
        await using var bench = await FaultBench.StartAsync();
        for (var round = 0; round < 3; round++)
        {
            // With answers that take their time, nearly always a renewal is under way; a slow machine must not make the lease end by itself.
            var proxy = bench.OpenProxy();
            proxy.Delay = TimeSpan.FromMilliseconds(250);
            var silo = await bench.StartSiloAsync(new SiloSettings { Name = $"s{round}", Proxy = proxy, Renew = 0.1, Lease = 10 });
            silo.Terminate();
            await silo.WaitForExitAsync();
            Assert.Equal(0, silo.ExitCode);
            Assert.Empty(silo.Lines("Joining anew"));
            await AssertNobodyAsync(bench);
        }
    }

    private static async Task AssertNobodyAsync(FaultBench bench)
    {
        Assert.Empty(await new Store.SiloRegistry(bench.Redis, FaultBench.Service).ListAsync(TestContext.Current.CancellationToken));
        foreach (var key in (string[])[bench.Key("leases"), .. EngineUnderTest.KeysOfMembers])
            Assert.Equal(0, (await bench.Redis.ExecuteAsync(new RedisCommand("ZCARD", key), TestContext.Current.CancellationToken)).AsInteger());
    }
}
