using System.Globalization;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Store;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Workers;

/// <summary>
/// A real silo, as a child process on a real Redis, whose queue is served by Python workers that do as their jobs say
/// (tests/Grains.Tests/Workers/torture_worker.py). A lost worker or memory that was not enough is final at once, and nothing is
/// tried again: one misdeed, one outcome.
/// </summary>
internal sealed class WorkerMill : IAsyncDisposable
{
    public const string Queue = "torture";
    public const int Workers = 3;
    private const string Program = "torture_worker.py";
    private readonly string _start;
    private int _last;

    private WorkerMill(FaultBench bench)
    {
        Bench = bench;
        Store = bench.StoreOf(Queue);
        _start = Path.Combine(bench.Folder, "start");
        Starts("well");
    }

    public FaultBench Bench { get; }

    public QueueStore Store { get; }

    public Descendants Descendants { get; } = new();

    /// <summary>Once it is started.</summary>
    public SiloProcess Silo { get; private set; } = null!;

    public static async Task<WorkerMill> StartAsync(int workers = Workers, Func<SiloSettings, SiloSettings>? settings = null)
    {
        Tools.Require(Tools.Python);
        var mill = new WorkerMill(await FaultBench.StartAsync());
        await mill.StartSiloAsync(workers, settings ?? (s => s));
        return mill;
    }

    /// <summary>How workers start from now on: well, never, slow, exit.</summary>
    public void Starts(string how) => File.WriteAllText(_start, how);

    /// <summary>Pushes one job that does this, and gives its id.</summary>
    public async Task<string> PushAsync(string what, string more = "") => (await PushAsync(1, what, more))[0];

    /// <summary>Pushes so many jobs in one command.</summary>
    public async Task<IReadOnlyList<string>> PushAsync(int count, string what, string more = "")
    {
        var ids = Enumerable.Range(0, count).Select(_ => string.Create(CultureInfo.InvariantCulture, $"{what}-{++_last}")).ToList();
        await Bench.CommandAsync("RPUSH", [FaultBench.ListOf(Queue), .. ids.Select(id => $$"""{"job_id":"{{id}}","do":"{{what}}"{{more}}}""")]);
        return ids;
    }

    /// <summary>Waits for a job's outcome.</summary>
    public Task<JobView> OutcomeAsync(string id, TimeSpan limit) => JobAsync(id, "an outcome", job => job.Header.Outcome is not null, limit);

    /// <summary>Waits until a running job has reported.</summary>
    public async Task<JobProgress> ProgressAsync(string id) => (await JobAsync(id, "progress", job => job.Progress is not null, FaultBench.Patience)).Progress!;

    /// <summary>Waits until of all that came of the silo there are itself, its guard and so many workers.</summary>
    public async Task NothingLeftBehindAsync(int workers = Workers)
    {
        await Descendants.OnlyAsync("the silo, its guard and its workers", BelongsToTheSilo, TimeSpan.FromSeconds(5));
        await FaultBench.UntilAsync($"{workers} workers that are ready", () =>
        {
            var living = Descendants.List().Where(p => p.Value.Contains(Program, StringComparison.Ordinal)).Select(p => p.Key).ToList();
            return living.Count == workers && living.TrueForAll(id => Silo.Lines($"(process {id}) is ready").Count == 1);
        });
    }

    public ValueTask DisposeAsync() => Bench.DisposeAsync();

    private static bool BelongsToTheSilo(string command) =>
        command.Length == 0 || command.Contains("gristmill.dll", StringComparison.Ordinal) || command.Contains("gristmill-guard", StringComparison.Ordinal) ||
        command.Contains(Program, StringComparison.Ordinal) || command.Contains("/samples/", StringComparison.Ordinal);

    private async Task<JobView> JobAsync(string id, string expected, Func<JobView, bool> matches, TimeSpan limit) => (await Eventually.MatchesAsync(
        $"the job {id} has {expected}", async () => await Store.GetAsync(id, TestContext.Current.CancellationToken),
        job => job is not null && matches(job), limit * FaultBench.Slowness, TestContext.Current.CancellationToken))!;

    private async Task StartSiloAsync(int workers, Func<SiloSettings, SiloSettings> change)
    {
        const string under = $"Gristmill__Queues__{Queue}__";
        var options = new Dictionary<string, string>
        {
            ["List"] = FaultBench.ListOf(Queue), ["LostBudget"] = "0", ["OutOfMemoryBudget"] = "0", ["Retry__Retries"] = "0",
            ["Worker__Command"] = $"python3 -S -E {Repository.Path($"tests/Grains.Tests/Workers/{Program}")} as-told {_start}",
            ["Worker__Count"] = workers.ToString(CultureInfo.InvariantCulture),
            ["Worker__StartupTimeoutSeconds"] = "4", ["Worker__HeartbeatIntervalSeconds"] = "0.2", ["Worker__HeartbeatTimeoutSeconds"] = "3",
            ["Worker__CancelGraceSeconds"] = "0.3", ["Worker__TermGraceSeconds"] = "0.3",
            ["Worker__RestartBackoffSeconds"] = "0.1", ["Worker__MaxRestartBackoffSeconds"] = "0.5",
            ["Worker__MemoryLimitBytes"] = (128 << 20).ToString(CultureInfo.InvariantCulture),
        };
        var more = options.ToDictionary(o => under + o.Key, o => o.Value);
        more.Add(Descendants.Mark.Key, Descendants.Mark.Value);
        Silo = await Bench.StartSiloAsync(change(new SiloSettings { More = more }));
        await NothingLeftBehindAsync(workers);
    }
}

/// <summary>One mill for all tests of a class, started when first asked for.</summary>
public sealed class SharedMill : IAsyncDisposable
{
    private Task<WorkerMill>? _mill;

    internal Task<WorkerMill> GetAsync() => _mill ??= WorkerMill.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (_mill is { IsCompletedSuccessfully: true })
        {
            await (await _mill).DisposeAsync();
        }
    }
}
