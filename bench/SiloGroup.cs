using System.Diagnostics;
using System.Globalization;
using Gristmill.Redis;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Bench;

/// <summary>Real silos as processes of their own: `gristmill silo` so many times, with the handlers of this program.</summary>
internal sealed class SiloGroup : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);
    private readonly List<ChildProcess> _silos = [];

    public static async Task<SiloGroup> StartAsync(BenchSettings settings, IRedisClient redis, QueueStore store, int count, string handler, int concurrency, string url = "http://127.0.0.1:0")
    {
        var group = new SiloGroup();
        for (var n = 1; n <= count; n++)
        {
            group._silos.Add(await ChildProcess.StartAsync(
                "dotnet", [Path.Combine(AppContext.BaseDirectory, "gristmill.dll"), "silo"], Path.GetTempPath(), Environment(settings, n, handler, concurrency, url)));
        }

        await Eventually.EqualAsync(count, async () => (int)(await redis.ExecuteAsync(new RedisCommand("ZCARD", store.Keys.Of("leases")))).AsInteger(), StartLimit);
        return group;
    }

    /// <summary>CPU seconds of all silos so far.</summary>
    public double Cpu() => _silos.Sum(s =>
    {
        using var process = Process.GetProcessById(s.Id);
        return process.TotalProcessorTime.TotalSeconds;
    });

    public async ValueTask DisposeAsync()
    {
        foreach (var silo in _silos) silo.Signal(Signals.Term);
        foreach (var silo in _silos) await silo.WaitForExitAsync(StopLimit);
        foreach (var silo in _silos) await silo.DisposeAsync();
    }

    private static Dictionary<string, string> Environment(BenchSettings settings, int number, string handler, int concurrency, string url)
    {
        var queue = $"Gristmill__Queues__{Load.Queue}__";
        return new Dictionary<string, string>
        {
            ["Gristmill__Redis"] = settings.Redis,
            ["Gristmill__Service"] = "bench",
            ["Gristmill__SiloName"] = $"bench-{number}",
            ["Gristmill__Url"] = url,
            ["Gristmill__ShutdownSeconds"] = "5",
            ["Gristmill__HandlerAssemblies__0"] = typeof(SiloGroup).Assembly.Location,
            [queue + "List"] = Load.List,
            [queue + "Handler"] = handler,
            [queue + "Concurrency"] = concurrency.ToString(CultureInfo.InvariantCulture),
            [queue + "KeepFinished"] = "10000000",
            ["Logging__LogLevel__Default"] = "Warning",
        };
    }
}
