using System.Globalization;
using Gristmill.Redis;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Faults;

/// <summary>A Redis that refuses the silo, or what the silo does: said once for each thing, with what to do, and no more.</summary>
public sealed class RefusedByRedisTests
{
    [Fact]
    public async Task Wrong_password_is_said_once_with_what_to_do_until_it_is_right()
    {
        await using var bench = await FaultBench.StartAsync();
        await bench.CommandAsync("ACL", "SETUSER", "mill", "on", ">right", "~*", "&*", "+@all");
        var settings = new SiloSettings { RedisUrl = As(bench, "mill", "wrong"), Url = $"http://127.0.0.1:{Ports.Next()}" };
        using var health = new SiloHealth(settings.Url);
        var silo = await bench.StartSiloAsync(settings, waitUntilReady: false);
        await RefusedAsync(bench, 20);
        var line = Assert.Single(silo.Lines("[6003]"));
        Assert.Contains("WRONGPASS", line, StringComparison.Ordinal);
        Assert.Contains("The user or the password in the address is wrong", line, StringComparison.Ordinal);
        await health.UnreadyAsync("redis_unavailable");
        await health.UnreadyAsync("cut_off");
        AssertSaidOnce(silo);

        await bench.CommandAsync("ACL", "SETUSER", "mill", ">wrong");
        await silo.ReadyAsync();
        await health.ReadyAsync();
    }

    [Theory]
    [InlineData("-eval", "-evalsha")]
    [InlineData("resetchannels", "&elsewhere")]
    public async Task What_an_ACL_forbids_is_said_once_with_what_to_do_until_it_is_allowed(string first, string second)
    {
        await using var bench = await FaultBench.StartAsync();
        await bench.CommandAsync("ACL", "SETUSER", "mill", "on", ">right", "~*", "&*", "+@all", first, second);
        var silo = await bench.StartSiloAsync(new SiloSettings { RedisUrl = As(bench, "mill", "right") }, waitUntilReady: false);
        await RefusedAsync(bench, 20);
        Assert.NotEmpty(silo.Lines("ACL SETUSER"));
        AssertSaidOnce(silo);

        await bench.CommandAsync("ACL", "SETUSER", "mill", "&*", "+@all");
        await silo.ReadyAsync();
        var items = FaultLoad.Plain("j", 20, workMs: 1);
        await bench.PushAsync(items);
        await Records.SettledAsync(bench, items.Count);
        await Checker.HoldsAsync(bench, items);
    }

    private static string As(FaultBench bench, string user, string password) => $"redis://{user}:{password}@{bench.Server.Host}:{bench.Server.Port}";

    private static Task RefusedAsync(FaultBench bench, int times) => FaultBench.UntilAsync(
        $"{times} refusals",
        async () =>
        {
            var stats = (await bench.Redis.ExecuteAsync(new RedisCommand("INFO", "stats"), TestContext.Current.CancellationToken)).AsString();
            return int.Parse(stats.Split('\n').Single(l => l.StartsWith("total_error_replies:", StringComparison.Ordinal)).Trim().Split(':')[1], CultureInfo.InvariantCulture);
        },
        n => n >= times);

    // But for the time, and the generation or attempt that a line names.
    private static void AssertSaidOnce(SiloProcess silo)
    {
        var twice = silo.Lines("").Where(l => l.Contains("warn:", StringComparison.Ordinal) || l.Contains("fail:", StringComparison.Ordinal))
            .GroupBy(l => l[(l.IndexOf(' ', StringComparison.Ordinal) + 1)..]).Where(g => g.Count() > 1).Select(g => $"{g.Count()} times: {g.Key}").ToList();
        Assert.True(twice.Count == 0, string.Join('\n', twice));
    }
}
