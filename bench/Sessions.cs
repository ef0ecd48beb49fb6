using System.Diagnostics;
using System.Text.Json.Nodes;
using Gristmill.Grains.Options;
using Gristmill.Redis;

namespace Gristmill.Bench;

/// <summary>
/// What sessions cost: the bytes of an open session with nothing to do, in Redis and in the silo; the throughput of a queue
/// with sessions beside the same queue without, in one run; and whether it matters to a step how many others are open.
/// </summary>
internal static class Sessions
{
    private const int Many = 10_000;
    private const int Few = 10;

    public static async Task<JsonObject> RunAsync(BenchSettings settings, IRedisClient redis)
    {
        var bareIdle = await OpenAsync(settings, redis, Many, null);
        var bare = await WorkAsync(settings, redis, null);
        await OpenAsync(settings, redis, Few, new QueueSessionOptions());
        var few = await WorkAsync(settings, redis, new QueueSessionOptions());
        var openIdle = await OpenAsync(settings, redis, Many, new QueueSessionOptions());
        var many = await WorkAsync(settings, redis, new QueueSessionOptions());
        return new JsonObject
        {
            ["redisBytesPerOpenSession"] = (double)(openIdle.Redis - bareIdle.Redis) / Many,
            ["siloBytesPerOpenSession"] = (double)(openIdle.Silo - bareIdle.Silo) / Many,
            ["jobsPerSecondWithout"] = bare.Rate,
            ["jobsPerSecondWith"] = few.Rate,
            ["withToWithout"] = few.Rate / bare.Rate,
            ["jobsPerSecondWithManyOpen"] = many.Rate,
            ["redisMicrosPerJobWithout"] = bare.RedisMicros,
            ["redisMicrosPerJobFewOpen"] = few.RedisMicros,
            ["redisMicrosPerJobManyOpen"] = many.RedisMicros,
            ["siloMicrosPerJobWithout"] = bare.SiloMicros,
            ["siloMicrosPerJobFewOpen"] = few.SiloMicros,
            ["siloMicrosPerJobManyOpen"] = many.SiloMicros,
        };
    }

    // One job each, and then nothing more: what is left of it grows by its record, and where there are sessions by the open one.
    private static async Task<(long Redis, long Silo)> OpenAsync(BenchSettings settings, IRedisClient redis, int sessions, QueueSessionOptions? policy)
    {
        await redis.ExecuteAsync(new RedisCommand("FLUSHDB"));
        var store = Load.Store(redis, settings.Redis);
        await using var events = await redis.SubscribeAsync(store.Keys.Events);
        using var silo = await Load.StartSiloAsync(settings, new Ignore(), queue => queue.Sessions = policy);
        var before = (Redis: await Load.MemoryAsync(redis), Silo: GC.GetTotalMemory(forceFullCollection: true));
        await Load.PushAsync(redis, sessions, n => Load.Payload(n, $"idle-{n:D6}"));
        await Throughput.FinishedAsync(events, sessions);
        var open = (await redis.ExecuteAsync(new RedisCommand("HLEN", store.Keys.Of("sessions")))).AsInteger();
        if (policy is not null && open != sessions) throw new InvalidOperationException($"{open} of {sessions} sessions are open.");
        var after = (Redis: await Load.MemoryAsync(redis), Silo: GC.GetTotalMemory(forceFullCollection: true));
        await silo.StopAsync();
        return (after.Redis - before.Redis, after.Silo - before.Silo);
    }

    // Jobs of 100 other sessions, pushed before the start, beside what is open already.
    private static async Task<(double Rate, double RedisMicros, double SiloMicros)> WorkAsync(BenchSettings settings, IRedisClient redis, QueueSessionOptions? policy)
    {
        var store = Load.Store(redis, settings.Redis);
        await Load.PushAsync(redis, settings.Jobs);
        await using var events = await redis.SubscribeAsync(store.Keys.Events);
        var (redisCpu, ownCpu) = (await Load.RedisCpuAsync(redis), Load.OwnCpu());
        using var silo = await Load.StartSiloAsync(settings, new Ignore(), queue => queue.Sessions = policy);
        var (first, last) = await Throughput.FinishedAsync(events, settings.Jobs);
        var (ownCost, redisCost) = (Load.OwnCpu() - ownCpu, await Load.RedisCpuAsync(redis) - redisCpu);
        await silo.StopAsync();
        return (settings.Jobs / Stopwatch.GetElapsedTime(first, last).TotalSeconds, redisCost / settings.Jobs * 1e6, ownCost / settings.Jobs * 1e6);
    }
}
