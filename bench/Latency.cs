using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gristmill.Redis;

namespace Gristmill.Bench;

/// <summary>One push every 10 ms to an idle silo: from the push to the start of the handler.</summary>
internal static class Latency
{
    private const int Pushes = 1000;
    private const int WarmUp = 100;

    public static async Task<JsonObject> RunAsync(BenchSettings settings, IRedisClient redis)
    {
        var seen = new Seen();
        var silo = await Load.StartSiloAsync(settings, seen);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        for (var n = 0; n < Pushes + WarmUp; n++)
        {
            await timer.WaitForNextTickAsync();
            seen.Pushed(n);
            await redis.ExecuteAsync(new RedisCommand("RPUSH", Load.List).Add(Load.Payload(n)));
        }

        await seen.AllAsync(Pushes + WarmUp);
        await silo.StopAsync();
        silo.Dispose();
        var waits = seen.Waits.Skip(WarmUp).Order().ToList();
        return new JsonObject
        {
            ["p50Ms"] = waits[waits.Count / 2],
            ["p99Ms"] = waits[(int)(waits.Count * 0.99)],
            ["maxMs"] = waits[^1],
        };
    }

    private sealed class Seen : INoop
    {
        private readonly ConcurrentDictionary<int, long> _pushed = new();
        private readonly ConcurrentDictionary<int, double> _waits = new();
        private readonly SemaphoreSlim _called = new(0);

        public IEnumerable<double> Waits => _waits.OrderBy(w => w.Key).Select(w => w.Value);

        public void Pushed(int n) => _pushed[n] = Stopwatch.GetTimestamp();

        public void Called(JsonElement payload)
        {
            var now = Stopwatch.GetTimestamp();
            var n = payload.GetProperty("chunk").GetInt32();
            _waits[n] = Stopwatch.GetElapsedTime(_pushed[n], now).TotalMilliseconds;
            _called.Release();
        }

        public async Task AllAsync(int count)
        {
            for (var i = 0; i < count; i++) await _called.WaitAsync();
        }
    }
}
