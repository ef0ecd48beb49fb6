using System.Diagnostics;
using System.Text.Json.Nodes;
using Gristmill.Redis;

namespace Gristmill.Bench;

/// <summary>Calls of grains: to one on this silo, to one on another silo of the cluster, and many of the latter at a time.</summary>
internal static class Calls
{
    private const int Local = 300_000;
    private const int Remote = 5_000;
    private const int WarmUp = 500;
    private const int AtATime = 64;

    public static async Task<JsonObject> RunAsync(BenchSettings settings, IRedisClient _)
    {
        using var callee = await BenchEngine.StartAsync(settings, "callee");
        using var caller = await BenchEngine.StartAsync(settings, "caller");
        var here = caller.Services.GetRequiredService<IGrainFactory>().GetGrain<IBenchGrain>("here");
        await caller.Services.GetRequiredService<IGrainFactory>().GetGrain<IBenchGrain>("here").Echo(1);
        var there = callee.Services.GetRequiredService<IGrainFactory>().GetGrain<IBenchGrain>("there");
        await there.Echo(1);
        var local = await LocalAsync(here);
        var far = caller.Services.GetRequiredService<IGrainFactory>().GetGrain<IBenchGrain>("there");
        var waits = await OneByOneAsync(far);
        var perSecond = await ManyAsync(far);
        await caller.StopAsync();
        await callee.StopAsync();
        return new JsonObject
        {
            ["localUs"] = local,
            ["remoteP50Ms"] = waits[waits.Count / 2],
            ["remoteP99Ms"] = waits[(int)(waits.Count * 0.99)],
            ["remoteMaxMs"] = waits[^1],
            ["remotePerSecond"] = perSecond,
        };
    }

    private static async Task<double> LocalAsync(IBenchGrain grain)
    {
        for (var n = 0; n < WarmUp; n++) await grain.Echo(n);
        var start = Stopwatch.GetTimestamp();
        for (var n = 0; n < Local; n++) await grain.Echo(n);
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds / Local;
    }

    private static async Task<List<double>> OneByOneAsync(IBenchGrain grain)
    {
        var waits = new List<double>(Remote);
        for (var n = 0; n < Remote + WarmUp; n++)
        {
            var start = Stopwatch.GetTimestamp();
            await grain.Echo(n);
            if (n >= WarmUp) waits.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        waits.Sort();
        return waits;
    }

    private static async Task<double> ManyAsync(IBenchGrain grain)
    {
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, AtATime).Select(async _ =>
        {
            for (var n = 0; n < Remote / 10; n++) await grain.Echo(n);
        }));
        return AtATime * (Remote / 10) / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}

/// <summary>A grain that does nothing.</summary>
[Alias("bench.IBenchGrain")]
public interface IBenchGrain : IGrainWithStringKey
{
    /// <summary>The number.</summary>
    /// <param name="number">The number.</param>
    [Alias("Echo")]
    Task<int> Echo(int number);
}

/// <inheritdoc cref="IBenchGrain"/>
[PreferLocalPlacement]
public sealed class BenchGrain : Grain, IBenchGrain
{
    /// <inheritdoc/>
    public Task<int> Echo(int number) => Task.FromResult(number);
}
