using System.Net;
using System.Net.Sockets;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.EmbeddedStore;
using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Silo.Tests.EmbeddedStore;

public sealed class EmbeddedGarnetTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Start_in_an_empty_folder_serves_on_loopback_and_says_where()
    {
        await using var store = await StartAsync();
        await using var client = Connect(store.Url);
        Assert.Equal("garnet", await ServerNameAsync(client));
        Assert.True(store.IsOwner);
        Assert.StartsWith("redis://127.0.0.1:", store.Url, StringComparison.Ordinal);
        Assert.Equal(store.Url, EmbeddedGarnet.FindEndpoint(Options()));
        Assert.True(File.Exists(_folder.File("garnet.log")));
    }

    [Fact]
    public async Task Stop_and_start_keeps_the_data_and_the_port()
    {
        string url;
        await using (var first = await StartAsync())
        {
            url = first.Url;
            await using var client = Connect(url);
            await FillAsync(client);
        }

        Assert.Null(EmbeddedGarnet.FindEndpoint(Options()));
        await using var second = await StartAsync();
        Assert.Equal(url, second.Url);
        await using var again = Connect(second.Url);
        await AssertFilledAsync(again);
    }

    [Fact]
    public async Task Store_killed_is_started_again_with_all_that_was_answered()
    {
        await using var store = await StartAsync();
        await using var client = Connect(store.Url);
        await FillAsync(client);
        var killed = store.ServerProcessId;
        Signals.Send(killed, Signals.Kill);
        await SoonAsync("another server runs", () => store.ServerProcessId is not 0 and var id && id != killed);
        await SoonAsync("its data is back", async () => await LengthAsync(client, "list") == 1000);
        await AssertFilledAsync(client);
    }

    [Fact]
    public async Task Silo_killed_takes_the_store_along_and_the_next_finds_the_data()
    {
        await using var owner = await StoreOwnerProcess.StartAsync(_folder.Path);
        var said = owner.Output.Split('\n').Last(line => line.StartsWith("redis://", StringComparison.Ordinal)).Split(' ');
        await using (var client = Connect(said[0]))
        {
            await FillAsync(client);
        }

        await owner.KillAsync();
        var server = int.Parse(said[1]);
        await SoonAsync("the store is gone", () => !IsRunning(server));
        await using var store = await StartAsync();
        Assert.True(store.IsOwner);
        await using var again = Connect(store.Url);
        await AssertFilledAsync(again);
    }

    [Fact]
    public async Task Second_silo_of_the_folder_uses_the_store_and_takes_it_over_when_the_first_is_gone()
    {
        var first = await StartAsync();
        await using var second = await StartAsync();
        Assert.Equal(first.Url, second.Url);
        Assert.False(second.IsOwner);
        await using var client = Connect(second.Url);
        await FillAsync(client);
        await first.DisposeAsync();
        await SoonAsync("the second owns the store", () => second.IsOwner && second.ServerProcessId != 0);
        await SoonAsync("its data is back", async () => await LengthAsync(client, "list") == 1000);
        await AssertFilledAsync(client);
    }

    [Fact]
    public async Task Guard_killed_is_replaced()
    {
        await using var store = await StartAsync();
        var guard = store.GuardProcessId;
        Signals.Send(guard, Signals.Kill);
        await SoonAsync("another guard runs", () => store.GuardProcessId is not 0 and var id && id != guard);
    }

    [Fact]
    public async Task Data_beyond_the_memory_is_kept()
    {
        await using var store = await StartAsync(memoryMiB: 64);
        await using var client = Connect(store.Url);
        var value = new string('v', 100_000);
        for (var i = 0; i < 1500; i++)
        {
            await client.ExecuteAsync(new RedisCommand("SET", $"s{i}", value), Cancelled);
        }

        for (var i = 0; i < 1500; i++)
        {
            var length = await client.ExecuteAsync(new RedisCommand("STRLEN", $"s{i}"), Cancelled);
            Assert.Equal(value.Length, length.AsInteger());
        }
    }

    [Fact]
    public async Task Port_that_is_taken_is_refused_by_name()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        var port = ((IPEndPoint)taken.LocalEndPoint!).Port;
        var error = await Assert.ThrowsAsync<EmbeddedStoreException>(() => StartAsync(port));
        Assert.Contains($"The port {port} ", error.Message, StringComparison.Ordinal);
        Assert.Contains("Gristmill:Embedded:Port", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_that_ends_while_starting_is_told_with_its_log()
    {
        // The server refuses a memory that holds less than two of its pages.
        var error = await Assert.ThrowsAsync<EmbeddedStoreException>(() => StartAsync(memoryMiB: 1));
        Assert.Contains("while starting", error.Message, StringComparison.Ordinal);
        Assert.Contains("memory", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Folder_that_cannot_be_made_is_refused_by_name()
    {
        await File.WriteAllTextAsync(_folder.File("file"), "", Cancelled);
        var options = new EmbeddedStoreOptions { Folder = _folder.File("file/below") };
        var error = await Assert.ThrowsAsync<EmbeddedStoreException>(
            () => EmbeddedGarnet.StartAsync(options, NullLoggerFactory.Instance, TimeProvider.System, Cancelled));
        Assert.Contains("Gristmill:Embedded:Folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_above_its_bound_is_put_aside_at_start()
    {
        await File.WriteAllBytesAsync(_folder.File("garnet.log"), new byte[(10 << 20) + 1], Cancelled);
        await using var store = await StartAsync();
        Assert.True(new FileInfo(_folder.File("garnet.log")).Length < 1 << 20);
        Assert.True(new FileInfo(_folder.File("garnet.log.1")).Length > 10 << 20);
    }

    private static async Task FillAsync(IRedisClient client)
    {
        for (var i = 0; i < 1000; i++)
        {
            await client.ExecuteAsync(new RedisCommand("RPUSH", "list", $"item {i}"), Cancelled);
        }

        var script = new RedisScript("fill", "redis.call('ZADD', KEYS[1], 1, 'a') return redis.call('HSET', KEYS[2], 'f', 'v')");
        await client.EvaluateAsync(script.Call().AddKey("zset").AddKey("hash"), Cancelled);
    }

    private static async Task AssertFilledAsync(IRedisClient client)
    {
        Assert.Equal(1000, await LengthAsync(client, "list"));
        Assert.Equal("item 999", (await client.ExecuteAsync(new RedisCommand("LINDEX", "list", "-1"), Cancelled)).AsString());
        Assert.Equal(1, (await client.ExecuteAsync(new RedisCommand("ZCARD", "zset"), Cancelled)).AsInteger());
        Assert.Equal("v", (await client.ExecuteAsync(new RedisCommand("HGET", "hash", "f"), Cancelled)).AsString());
    }

    private static async Task<long> LengthAsync(IRedisClient client, string list) =>
        (await client.ExecuteAsync(new RedisCommand("LLEN", list), Cancelled)).AsInteger();

    private static async Task<string> ServerNameAsync(IRedisClient client)
    {
        await client.ExecuteAsync(new RedisCommand("PING"), Cancelled);
        return client.Server!.Name;
    }

    private static Task SoonAsync(string expected, Func<bool> look) => Eventually.TrueAsync(expected, look, cancellationToken: Cancelled);

    private static Task SoonAsync(string expected, Func<Task<bool>> look) => Eventually.TrueAsync(expected, look, cancellationToken: Cancelled);

    /// <summary>By the state in /proc: an orphan that nobody has waited for yet is a zombie, and not running.</summary>
    private static bool IsRunning(int processId)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return stat[stat.LastIndexOf(')') + 2] != 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static IRedisClient Connect(string url) => RedisClient.Connect(RedisOptions.Parse(url), NullLoggerFactory.Instance);

    private EmbeddedStoreOptions Options(int port = 0, int memoryMiB = 64) => new() { Folder = _folder.Path, Port = port, MemoryMiB = memoryMiB };

    private Task<EmbeddedGarnet> StartAsync(int port = 0, int memoryMiB = 64) =>
        EmbeddedGarnet.StartAsync(Options(port, memoryMiB), NullLoggerFactory.Instance, TimeProvider.System, Cancelled);
}
