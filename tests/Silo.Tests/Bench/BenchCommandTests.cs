using Gristmill.Redis;
using Gristmill.Silo.Bench;
using Gristmill.Silo.Tests.Commands;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Bench;

/// <summary><c>gristmill bench</c> on a Redis that has other data.</summary>
public sealed class BenchCommandTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bench_measures_and_leaves_no_key_behind_and_no_other_key_out()
    {
        await using var server = await RedisServer.StartAsync();
        await using var cli = await CommandFixture.CreateAsync(stores, BenchCommand.Make);
        await using var redis = RedisClient.Connect(RedisOptions.Parse(server.Url), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        await redis.ExecuteAsync(new RedisCommand("RPUSH", "bench_list", "somebody's"), Stop);
        var report = (await cli.RunAsync("bench", "--jobs", "300", "--redis", server.Url, "--json")).Expect(0).Json;

        Assert.Equal(300, report.GetProperty("jobs").GetInt32());
        Assert.True(report.GetProperty("jobsPerSecond").GetDouble() > 0);
        var latency = report.GetProperty("latencyMs");
        Assert.True(latency.GetProperty("p50").GetDouble() is > 0 and var median && latency.GetProperty("p99").GetDouble() >= median);
        var keys = (await redis.ExecuteAsync(new RedisCommand("KEYS", "*"), Stop)).AsList().Select(k => k.AsString());
        Assert.Equal(["bench_list"], keys);
    }

    [Fact]
    public async Task Redis_without_room_is_not_filled()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = RedisClient.Connect(RedisOptions.Parse(server.Url), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        await redis.ExecuteAsync(new RedisCommand("CONFIG", "SET", "maxmemory", "10mb"), Stop);
        await using var cli = await CommandFixture.CreateAsync(stores, BenchCommand.Make);
        var refused = (await cli.RunAsync("bench", "--redis", server.Url)).Expect(1);
        Assert.Contains("The Redis has no room: 20000 jobs need about 28 MiB", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await redis.ExecuteAsync(new RedisCommand("DBSIZE"), Stop)).AsInteger());
    }

    [Theory]
    [InlineData("bench --service default", "The bench takes no --service")]
    [InlineData("bench --jobs 99", "--jobs is 99; it must be 100 to 500000.")]
    [InlineData("bench --concurrency 0", "--concurrency is 0; it must be 1 to 10000.")]
    public async Task Bench_called_wrongly_is_2(string line, string said)
    {
        await using var cli = await CommandFixture.CreateAsync(stores, BenchCommand.Make);
        Assert.Contains(said, (await cli.RunAsync(line.Split(' '))).Expect(2).Error, StringComparison.Ordinal);
    }
}
