using System.Text.Json;
using Gristmill.Silo.Findings;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Store;
using Gristmill.Store.Payloads;
using Gristmill.Testing;
using Microsoft.Extensions.Configuration;

namespace Gristmill.Silo.Tests.Findings;

/// <summary>samples/celery: what Celery itself sends, run by a silo whose queue has that dialect.</summary>
public sealed class DialectStoryTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Celerys_tasks_are_jobs_where_the_dialect_is_configured_and_the_doctor_finds_nothing()
    {
        Tools.RequirePythonModule("celery", "celery");
        await using var bench = await FaultBench.StartAsync();
        await using var at = DoctorBench.On(bench.Server);
        var store = bench.StoreOf("speech");
        await store.SetModeAsync(QueueMode.Paused, Cancelled);
        await bench.StartSiloAsync(new SiloSettings { More = Speech() });
        var ids = await ProduceAsync(bench);
        await Eventually.TrueAsync("it has announced its rules", async () => (await store.RulesAsync(Cancelled))?.Dialect == Dialect.Celery, FaultBench.Patience, Cancelled);
        var found = (await at.DoctorAsync("--json", "--seconds", "0", "--service", FaultBench.Service)).Json.GetProperty("findings").Deserialize<List<Finding>>(JsonSerializerOptions.Web)!;
        Assert.Equal((4, 1), ((await at.DoAsync("LLEN", "speech")).AsInteger(), (await at.DoAsync("LLEN", "speech\u0006\u00163")).AsInteger()));
        Assert.DoesNotContain(found, f => f.Code is "foreign_in_list" or "other_library" || f.Message.Contains("Celery", StringComparison.Ordinal));

        await store.SetModeAsync(QueueMode.Open, Cancelled);
        var (plain, counted, late, pickled) = (await EndAsync(ids[0]), await EndAsync(ids[1]), await EndAsync(ids[2]), await EndAsync(ids[3]));
        Assert.Equal((JobState.Completed, "3"), (plain.State, System.Text.Encoding.UTF8.GetString(plain.Result.Span)));
        Assert.Equal((JobState.Completed, "7"), (counted.State, System.Text.Encoding.UTF8.GetString(counted.Result.Span)));
        Assert.True(counted.Header.Due > 0 && counted.Header.StartedAt >= counted.Header.Due, $"{counted.Header.EnqueuedAt}, {counted.Header.Due}, {counted.Header.StartedAt}");
        Assert.Equal((JobState.Cancelled, "expired"), (late.State, late.Header.Reason));
        Assert.Equal((JobState.Dead, "fatal"), (pickled.State, pickled.Header.Reason));
        Assert.Contains("application/x-python-serialize", pickled.Header.Errors[^1].Message, StringComparison.Ordinal);
        Assert.Equal("19", System.Text.Encoding.UTF8.GetString((await EndAsync(ids[4])).Result.Span));
        Assert.Equal(0, (await at.DoAsync("LLEN", "speech")).AsInteger());

        async Task<JobView> EndAsync(string id) => (await FaultBench.UntilAsync($"task {id} has ended", async () => await store.GetAsync(id, Cancelled), j => j?.Header.Outcome is not null))!;
    }

    [Fact]
    public void Page_of_dialects_shows_the_sample_as_it_is()
    {
        var page = File.ReadAllText(Repository.Path("docs/dialects.md"));
        foreach (var file in new[] { "worker.py", "appsettings.json" }) Assert.Contains(File.ReadAllText(Repository.Path($"samples/celery/{file}")), page, StringComparison.Ordinal);
    }

    // samples/celery as it stands: its configuration, beside the bench's own queue, and the list of one more priority.
    private static Dictionary<string, string> Speech()
    {
        var sample = Repository.Path("samples/celery");
        var settings = new ConfigurationBuilder().AddJsonFile(Path.Combine(sample, "appsettings.json")).Build().AsEnumerable().Where(s => s.Value is not null)
            .ToDictionary(s => s.Key.Replace(":", "__", StringComparison.Ordinal), s => s.Value!);
        settings.Add("Gristmill__Queues__speech__Lists__0__Name", "speech\u0006\u00163");
        settings.Add("Gristmill__Queues__speech__Worker__WorkingDirectory", sample);
        settings.Add("Gristmill__Queues__speech__Worker__Environment__PYTHONDONTWRITEBYTECODE", "1");
        return settings;
    }

    // What the sample sends, and three tasks more: one that comes too late, one that is no JSON, and one with a priority.
    private static async Task<IReadOnlyList<string>> ProduceAsync(FaultBench bench)
    {
        const string more = """
            import datetime, runpy
            add = runpy.run_path("producer.py", run_name="__main__")["add"]
            print(add.apply_async((5, 6), queue="speech", expires=datetime.datetime(2020, 1, 1)).id)
            print(add.apply_async((7, 8), queue="speech", serializer="pickle").id)
            print(add.apply_async((9, 10), queue="speech", priority=3).id)
            """;
        await using var producer = await ChildProcess.StartAsync(Tools.SystemPython, ["-B", "-c", more], Repository.Path("samples/celery"), new Dictionary<string, string> { ["REDIS_URL"] = bench.Server.Url });
        await producer.WaitForExitAsync(FaultBench.Patience);
        Assert.True(producer.ExitCode == 0, producer.Output);
        return [.. producer.Output.Split('\n').Where(line => Guid.TryParse(line, out _))];
    }
}
