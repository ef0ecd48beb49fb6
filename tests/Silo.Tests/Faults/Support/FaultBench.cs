using System.Globalization;
using Gristmill.Redis;
using Gristmill.Store;
using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Silo.Tests.Faults.Support;

/// <summary>
/// What a test of faults works with: a real server of its own, a queue, silos as child processes, the ledger of their
/// handlers, and a seed. When it ends, the seed and the silos' last lines go to the test's output.
/// </summary>
internal sealed class FaultBench : IAsyncDisposable
{
    public const string Service = "faults";
    public const string Queue = "mill";
    private const int PushBatch = 1000;
    private const int TailLines = 25;
    private readonly TempFolder _folder = new();
    private readonly List<SiloProcess> _silos = [];
    private readonly List<TcpProxy> _proxies = [];

    private FaultBench(IRedisServer server)
    {
        Server = server;
        Redis = RedisClient.Connect(RedisOptions.Parse(server.Url), NullLoggerFactory.Instance);
        Store = StoreOf(Queue);
        Ledger = new Ledger(_folder.Path);
        Seed = int.TryParse(Environment.GetEnvironmentVariable("GRISTMILL_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : Random.Shared.Next(1, 1_000_000);
        Random = new Random(Seed);
    }

    /// <summary>GRISTMILL_LONG=1: more jobs, more kills, larger floods.</summary>
    public static bool Long { get; } = Environment.GetEnvironmentVariable("GRISTMILL_LONG") == "1";

    /// <summary>
    /// How many times longer than on a machine of its own things may take: GRISTMILL_PATIENCE, 1 by default. It stretches
    /// the promised times too, so a figure from a crowded machine proves less.
    /// </summary>
    public static double Slowness { get; } =
        double.TryParse(Environment.GetEnvironmentVariable("GRISTMILL_PATIENCE"), CultureInfo.InvariantCulture, out var factor) ? factor : 1;

    /// <summary>After this long a test gives up waiting.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60 * Slowness);

    public IRedisServer Server { get; }

    public IRedisClient Redis { get; }

    public QueueStore Store { get; }

    public Ledger Ledger { get; }

    public int Seed { get; }

    public Random Random { get; }

    public string Folder => _folder.Path;

    public static string ListOf(string queue) => $"{queue}_list";

    public static async Task<FaultBench> StartAsync(params string[] redisArguments) => new(await RedisServer.StartAsync(redisArguments));

    public static async Task<FaultBench> StartAsync(StoreKind kind, bool persistent = false) => new(await Stores.StartAsync(kind, persistent));

    public QueueStore StoreOf(string queue) => new(Redis, new RedisKeys(Service, 0, queue));

    public async Task<SiloProcess> StartSiloAsync(SiloSettings? settings = null, bool waitUntilReady = true)
    {
        var silo = await SiloProcess.StartAsync(this, settings ?? new SiloSettings());
        _silos.Add(silo);
        if (waitUntilReady) await silo.ReadyAsync();
        return silo;
    }

    /// <summary>A way to the server for one silo, which can be as bad as a network.</summary>
    public TcpProxy OpenProxy()
    {
        var proxy = TcpProxy.Start(Server.Port);
        _proxies.Add(proxy);
        return proxy;
    }

    public async Task PushAsync(IReadOnlyList<FaultItem> items, string queue = Queue)
    {
        foreach (var part in items.Chunk(PushBatch))
        {
            var command = new RedisCommand("RPUSH", ListOf(queue));
            foreach (var item in part) command.Add(item.Payload);
            await Redis.ExecuteAsync(command);
        }
    }

    /// <summary>Waits until so many jobs have an outcome.</summary>
    public Task OutcomesAsync(long atLeast) => Eventually.MatchesAsync(
        $"at least {atLeast} outcomes", async () => Outcomes(await Store.CountAsync()), n => n >= atLeast, Patience);

    public Task<QueueCounts> CountAsync(QueueStore? store = null) => (store ?? Store).CountAsync(TestContext.Current.CancellationToken).AsTask();

    /// <summary>How many items lie on the list.</summary>
    public Task<long> ListedAsync() => Store.LengthAsync(ListOf(Queue), TestContext.Current.CancellationToken).AsTask();

    /// <summary>Waits until the silos, as they say of themselves, are as expected.</summary>
    public Task<IReadOnlyList<SiloView>> SilosAsync(string expected, Func<IReadOnlyList<SiloView>, bool> matches) => Eventually.MatchesAsync(
        expected, () => new SiloRegistry(Redis, Service).ListAsync(TestContext.Current.CancellationToken), matches, Patience, TestContext.Current.CancellationToken);

    /// <summary>Sends a command to the server.</summary>
    public async Task CommandAsync(string name, params string[] arguments) => await Redis.ExecuteAsync(new RedisCommand(name, arguments), TestContext.Current.CancellationToken);

    /// <summary>Waits for a condition.</summary>
    public static Task UntilAsync(string expected, Func<bool> look) => Eventually.TrueAsync(expected, look, Patience, TestContext.Current.CancellationToken);

    /// <summary>Waits for a value.</summary>
    public static Task<T> UntilAsync<T>(string expected, Func<Task<T>> look, Func<T, bool> matches) =>
        Eventually.MatchesAsync(expected, look, matches, Patience, TestContext.Current.CancellationToken);

    public static long Outcomes(QueueCounts counts) => counts.Totals["completed"] + counts.Totals["dead"] + counts.Totals["cancelled"];

    /// <summary>A key of the queue, as scripts call it.</summary>
    public string Key(string name) => Store.Keys.Of(name);

    /// <summary>Puts a string where something else stands, and keeps that aside.</summary>
    public async Task SpoilAsync(string key) => await Redis.ExecuteAsync(new RedisCommand(
        "EVAL", "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end return redis.call('SET', KEYS[1], 'not yours')", "2", key, $"{key}-aside"));

    /// <summary>Puts back what <see cref="SpoilAsync"/> kept aside.</summary>
    public async Task RepairAsync(string key) => await Redis.ExecuteAsync(new RedisCommand(
        "EVAL", "redis.call('DEL', KEYS[1]) if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[1]) end return 1", "2", key, $"{key}-aside"));

    /// <summary>Lets a fault last.</summary>
    public static async Task LastAsync(TimeSpan time)
    {
        using var timer = new PeriodicTimer(time);
        await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>A figure for people: goes to the test's output.</summary>
    public static void Say(string text) => TestContext.Current.TestOutputHelper?.WriteLine(text);

    public async ValueTask DisposeAsync()
    {
        Say($"Seed {Seed} (GRISTMILL_SEED={Seed} repeats it).");
        foreach (var silo in _silos)
        {
            Say($"Silo {silo.Name}, the last lines of its log:\n{silo.Tail(TailLines)}");
            silo.Thaw();
            await silo.DisposeAsync();
        }

        foreach (var proxy in _proxies) await proxy.DisposeAsync();
        await Redis.DisposeAsync();
        await Server.DisposeAsync();
        _folder.Dispose();
    }
}
