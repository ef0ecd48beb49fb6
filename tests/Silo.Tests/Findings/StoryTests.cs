using System.Text.Json;
using Gristmill.Silo.Findings;
using Gristmill.Silo.Tests.Commands;
using Gristmill.Silo.Tests.Faults.Support;
using Gristmill.Testing;

namespace Gristmill.Silo.Tests.Findings;

/// <summary>
/// What teams have lost days to, each with the real programs: everything is up and green, and no job is done, or jobs go
/// where nobody looks. The doctor names it in a line.
/// </summary>
public sealed class StoryTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rq_worker_that_waits_while_the_list_fills_is_named_with_the_list()
    {
        Tools.RequirePythonModule("rq", "python3-rq");
        await using var at = await DoctorBench.StartAsync();
        await using var worker = await ChildProcess.StartAsync(Tools.SystemPython, ["-m", "rq.cli", "worker", "--url", at.Server.Url, "asr-queue"]);
        await Eventually.TrueAsync("the worker waits", async () => (await at.DoAsync("CLIENT", "LIST")).AsString().Contains("cmd=blpop", StringComparison.Ordinal), FaultBench.Patience, Cancelled);
        await at.DoAsync("RPUSH", "asr_chunk_queue", "{}", "{}", "{}");

        // Also where nobody has told the doctor of any list.
        var found = Findings((await at.DoctorAsync("--json", "--seconds", "0")).Expect(0));
        var finding = DoctorBench.Only(found, "worker_elsewhere");
        Assert.StartsWith("The RQ worker '", finding.Message, StringComparison.Ordinal);
        Assert.Contains("idle) listens to 'asr-queue' (key 'rq:queue:asr-queue'), which is empty, while the list 'asr_chunk_queue' has 3 items and nobody takes from it", finding.Message, StringComparison.Ordinal);

        var told = (await at.DoctorAsync("--seconds", "0", "--list", "asr_chunk_queue")).Expect(1).Out;
        Assert.Contains("error   queue_without_silo: No silo serves the queue 'asr_chunk_queue', and work waits: 3 items in 'asr_chunk_queue'", told, StringComparison.Ordinal);
        Assert.Contains("worker_elsewhere", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Jobs_in_arqs_default_queue_are_named_while_the_silo_listens_elsewhere()
    {
        await using var bench = await FaultBench.StartAsync();
        await using var at = DoctorBench.On(bench.Server);
        await at.LoadAsync(RecordedKeys.Arq);
        var silo = await bench.StartSiloAsync();
        var line = await silo.SaysAsync("Finding other_library");
        Assert.Contains("The ARQ queue 'arq:queue' (key 'arq:queue') has 1 item, while the list 'mill_list' is empty", line, StringComparison.Ordinal);
        var finding = DoctorBench.Only(Findings(await at.DoctorAsync("--json", "--seconds", "0", "--service", FaultBench.Service)), "other_library");
        Assert.Contains($"{finding.Message} What to do: {finding.Action}", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Foreign_brpop_loop_that_eats_jobs_is_named_with_its_address_and_command()
    {
        Tools.RequirePythonModule("redis", "python3-redis");
        await using var bench = await FaultBench.StartAsync();
        await using var at = DoctorBench.On(bench.Server);
        const string program = "import redis,sys,time\nr = redis.Redis(port=int(sys.argv[1]), client_name='old-worker')\nwhile True:\n  r.brpop('mill_list'); time.sleep(0.002)";
        await using var thief = await ChildProcess.StartAsync(Tools.SystemPython, ["-c", program, $"{bench.Server.Port}"]);
        await Eventually.TrueAsync("it waits", async () => (await at.DoAsync("CLIENT", "LIST")).AsString().Contains("cmd=brpop", StringComparison.Ordinal), FaultBench.Patience, Cancelled);

        // While it only waits, nobody can say at which list.
        var suspected = DoctorBench.Only(Findings((await at.DoctorAsync("--json", "--seconds", "0", "--list", "mill_list")).Expect(0)), "other_consumer_possible");
        Assert.Matches(@"127\.0\.0\.1:\d+ 'old-worker', waits in BRPOP", suspected.Message);

        // Of two that take, the other would be too slow to be seen: this one is paused, and has not taken a single item.
        await bench.CommandAsync("HSET", bench.Key("meta"), "state", "paused");
        for (var n = 0; n < 6; n++) await bench.PushAsync([.. Enumerable.Range(0, 1000).Select(i => new FaultItem($"{n}-{i}", "{}"u8.ToArray()))]);
        var silo = await bench.StartSiloAsync(new SiloSettings { Engine = new Dictionary<string, string> { ["Gristmill__FindingsSeconds"] = "5" } });
        await Eventually.TrueAsync("it has announced its list", async () => (await at.DoAsync("HEXISTS", bench.Key("meta"), "lists")).AsInteger() == 1, FaultBench.Patience, Cancelled);
        var taken = DoctorBench.Only(Findings((await at.DoctorAsync("--json", "--seconds", "0.5", "--service", FaultBench.Service)).Expect(1)), "other_consumer");
        Assert.Matches(@"takes items from the list 'mill_list' of the queue 'mill': at least \d+ went .* Most likely: 127\.0\.0\.1:\d+ 'old-worker', (waits in|last did) BRPOP", taken.Message);
        Assert.Contains("'old-worker'", await silo.SaysAsync("Finding other_consumer:"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configured_list_of_the_wrong_type_is_said_by_log_readiness_api_and_command_alike()
    {
        await using var bench = await FaultBench.StartAsync();
        await using var at = DoctorBench.On(bench.Server);
        await at.DoAsync("SET", "mill_list", "{}");
        var url = $"http://127.0.0.1:{Ports.Next()}";
        var silo = await bench.StartSiloAsync(new SiloSettings { Url = url });
        var line = await silo.SaysAsync("Finding list_wrong_type");
        using var health = new SiloHealth(url);
        var message = await health.UnreadyAsync("list_wrong_type");
        Assert.Contains(message, line, StringComparison.Ordinal);
        Assert.Contains("The list 'mill_list' of the queue 'mill' is a string in Redis, not a list", message, StringComparison.Ordinal);
        await Eventually.TrueAsync("the silo's own trouble stands in its record", async () => await SameAsync(at, url), FaultBench.Patience, Cancelled);
    }

    [Fact]
    public async Task Silo_killed_in_the_middle_of_jobs_is_seen_with_what_came_back()
    {
        await using var bench = await FaultBench.StartAsync();
        await using var at = DoctorBench.On(bench.Server);
        var url = $"http://127.0.0.1:{Ports.Next()}";
        var gate = Path.Combine(bench.Folder, "gate");
        var first = await bench.StartSiloAsync(new SiloSettings { Name = "first" });
        await bench.PushAsync([.. Enumerable.Range(0, 4).Select(n => new FaultItem($"{n}", System.Text.Encoding.UTF8.GetBytes($$"""{"k":"{{n}}","gate":"{{gate}}"}""")))]);
        await bench.SilosAsync("it says that it runs four jobs", s => s.Any(v => v.Record.Queues.Sum(q => q.Running) == 4));
        await first.KillAsync();
        string[] doctor = ["--json", "--seconds", "0", "--service", FaultBench.Service];
        await bench.SilosAsync("it is lost", s => s.All(v => v.IsLost));
        var lost = DoctorBench.Only(Findings(await at.DoctorAsync(doctor)), "silo_lost");
        Assert.Contains("The silo 'first' on ", lost.Message, StringComparison.Ordinal);
        Assert.Contains("4 of the queue 'mill', which a silo of that queue gives back once their lease has expired", lost.Message, StringComparison.Ordinal);

        await bench.StartSiloAsync(new SiloSettings { Name = "second", Url = url });
        var back = await FaultBench.UntilAsync("the command says what came back", async () => Findings(await at.DoctorAsync(doctor)), f => f.Any(one => one.Code == "jobs_recovered"));
        var recovered = DoctorBench.Only(back, "jobs_recovered");
        Assert.Equal("second", recovered.Silo);
        Assert.Contains("4 run again, 0 had lost their silo too often", recovered.Message, StringComparison.Ordinal);
        Assert.Contains("given back by now (4 jobs of lost silos in all)", DoctorBench.Only(back, "silo_lost").Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(gate, "", Cancelled);
        await bench.OutcomesAsync(4);
    }

    [Fact]
    public async Task Database_that_is_flushed_again_and_again_is_said_with_the_leases_that_it_cost()
    {
        await using var bench = await FaultBench.StartAsync();
        await using var at = DoctorBench.On(bench.Server);
        var silo = await bench.StartSiloAsync();
        for (var flushes = 1; flushes <= 3; flushes++)
        {
            await bench.PushAsync([new FaultItem($"{flushes}", "{}"u8.ToArray())]);
            await bench.OutcomesAsync(1);
            await bench.CommandAsync("FLUSHDB");
            await FaultBench.UntilAsync("the lease is held anew", () => silo.Lines("lease held").Count == flushes + 1);
        }

        string[] doctor = ["--json", "--seconds", "0", "--service", FaultBench.Service];
        var found = await FaultBench.UntilAsync("the silo says it", async () => Findings(await at.DoctorAsync(doctor)), f => f.Any(one => one.Code == "leases_expire"));
        Assert.Contains("This silo lost its lease on queue mill 3 times", DoctorBench.Only(found, "leases_expire").Message, StringComparison.Ordinal);
        Assert.Contains("The keys of queue mill were removed ", DoctorBench.Only(found, "store_flushed").Message, StringComparison.Ordinal);
        Assert.DoesNotContain(found, f => f.Code == "other_consumer");
    }

    [Fact]
    public async Task Redis_that_evicts_and_keeps_nothing_on_disk_is_warned_of()
    {
        await using var server = await RedisServer.StartAsync("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru", "--appendonly", "no");
        await using var at = DoctorBench.On(server);
        var told = (await at.DoctorAsync("--seconds", "0")).Expect(0).Out;
        Assert.Contains("warning redis_may_evict: Redis may drop jobs when its memory is full: maxmemory-policy is allkeys-lru, with maxmemory 104857600.", told, StringComparison.Ordinal);
        Assert.Contains("warning redis_forgets: Redis keeps nothing on disk", told, StringComparison.Ordinal);
        Assert.Contains("0 errors, 2 warnings, 0 to know.", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Celerys_messages_in_the_list_are_named_and_every_byte_of_them_stays()
    {
        Tools.RequirePythonModule("celery", "celery");
        await using var bench = await FaultBench.StartAsync();
        await using var at = DoctorBench.On(bench.Server);
        var silo = await bench.StartSiloAsync();
        await bench.PushAsync([new FaultItem("mine", "{}"u8.ToArray())]);
        await bench.OutcomesAsync(1);

        // The first comes while the silo waits at the empty list, the others while it rests.
        var before = await CeleryAsync(bench, at, 1);
        await silo.SaysAsync("Queue mill: The list 'mill_list' is a queue of Celery, with its messages: nothing is taken from it, and every byte stays.");
        before = await CeleryAsync(bench, at, 2);
        var found = Findings((await at.DoctorAsync("--json", "--seconds", "0", "--service", FaultBench.Service)).Expect(1));
        Assert.Contains("It has 3 items; the queue 'mill' gets none of them.", DoctorBench.Only(found, "foreign_in_list").Message, StringComparison.Ordinal);
        Assert.Equal(before, await ItemsAsync(at));
        var counts = await bench.CountAsync();
        Assert.Equal((1L, 0L), (counts.Totals["claimed"], counts.Dead));

        // When somebody has taken them away, the queue goes on.
        await at.DoAsync("RENAME", "mill_list", "celery_elsewhere");
        await bench.PushAsync([new FaultItem("next", "{}"u8.ToArray())]);
        await bench.OutcomesAsync(2);
    }

    [Fact]
    public async Task User_without_rights_hears_what_was_not_looked_at_and_no_secret_is_told()
    {
        const string password = "tell-nobody-9f2c";
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("ACL", "SETUSER", "watcher", "on", ">" + password, "~gristmill:*", "~asr_list", "&*", "+@all", "-client", "+client|setname", "-config", "-info");
        await at.DoAsync("RPUSH", "somebody", "{}");
        await at.DoAsync("RPUSH", "asr_list", "{}");
        var url = $"redis://watcher:{password}@127.0.0.1:{at.Server.Port}/0";
        using var folder = new TempFolder();
        var result = (await DoctorBench.DoctorAsync(url, folder.Path, "--seconds", "0", "--list", "asr_list")).Expect(1);
        Assert.Contains("info    not_looked_at: Not all could be looked at: ", result.Out, StringComparison.Ordinal);
        foreach (var part in new[] { "CLIENT LIST (", "CONFIG GET (", "INFO (", "keys of others (" }) Assert.Contains(part, result.Out, StringComparison.Ordinal);
        Assert.Contains("queue_without_silo", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(password, result.Out + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Queues_as_other_libraries_recorded_them_are_all_named()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.LoadAsync(RecordedKeys.All);
        await at.DoAsync("RPUSH", "work", "{}", "{}");
        var found = Findings(await at.DoctorAsync("--json", "--seconds", "0"));
        foreach (var queue in new[] { "Sidekiq queue 'mail'", "BullMQ queue 'paint' (key 'bull:paint:wait')", "BullMQ queue 'paint' (key 'bull:paint:prioritized')", "Resque queue 'clips'", "Laravel queue 'default'", "ARQ queue 'arq:queue'", "Asynq queue 'default'" })
        {
            Assert.Single(found, f => f.Code == "other_library" && f.Message.StartsWith($"The {queue}", StringComparison.Ordinal));
        }

        Assert.Equal(7, found.Count(f => f.Code == "other_library"));
        var idle = DoctorBench.Only(found, "worker_elsewhere").Message;
        Assert.Contains("The Sidekiq worker 'vm:23518:16ac16d17295' listens to 'speech' (key 'queue:speech'), which is empty, while the list 'work' has 2 items", idle, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--seconds", "-1")]
    [InlineData("--seconds", "601")]
    [InlineData("--service", "no such name")]
    [InlineData("--sconds", "1")]
    public async Task Command_that_is_called_wrongly_ends_with_2(params string[] arguments)
    {
        using var folder = new TempFolder();
        (await DoctorBench.DoctorAsync("redis://127.0.0.1:1/0", folder.Path, arguments)).Expect(2);
    }

    private static IReadOnlyList<Finding> Findings(CommandResult result) =>
        result.Json.GetProperty("findings").Deserialize<List<Finding>>(JsonSerializerOptions.Web)!;

    // The silo's answer and the command's, but for the figures in them and what only grows with time.
    private static async Task<bool> SameAsync(DoctorBench at, string url)
    {
        using var http = new HttpClient();
        using var api = JsonDocument.Parse(await http.GetStringAsync(url + "/api/findings", Cancelled));
        var said = api.RootElement.GetProperty("findings").Deserialize<List<Finding>>(JsonSerializerOptions.Web)!;
        var found = Findings((await at.DoctorAsync("--json", "--seconds", "0", "--service", FaultBench.Service)).Expect(1));
        return said.Count > 1 && said.Select(f => (f.Subject, f.Severity, f.Message)).ToHashSet().SetEquals(found.Select(f => (f.Subject, f.Severity, f.Message)));
    }

    private static async Task<IReadOnlyList<string>> CeleryAsync(FaultBench bench, DoctorBench at, int tasks)
    {
        var program = $"from celery import Celery\na = Celery('x', broker='{bench.Server.Url}')\nfor n in range({tasks}): a.send_task('add', args=(n,), queue='mill_list', ignore_result=True)";
        await using var producer = await ChildProcess.StartAsync(Tools.SystemPython, ["-c", program]);
        await producer.WaitForExitAsync(FaultBench.Patience);
        Assert.True(producer.ExitCode == 0, producer.Output);
        return await ItemsAsync(at);
    }

    private static async Task<IReadOnlyList<string>> ItemsAsync(DoctorBench at) => [.. (await at.DoAsync("LRANGE", "mill_list", "0", "-1")).AsList().Select(i => i.AsString())];
}
