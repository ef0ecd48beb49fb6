using System.Diagnostics;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Silo.Findings;
using Gristmill.Store;
using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Silo.Tests.Findings;

/// <summary>The doctor on real servers, with real producers and consumers. Each test has a server of its own: it looks at all keys.</summary>
public sealed class FindingsTests
{
    private static readonly string Meta = new RedisKeys("default", 0, "asr").Of("meta");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task List_of_another_type_is_an_error(StoreKind kind)
    {
        await using var at = await DoctorBench.StartAsync(kind);
        await at.DoAsync("ZADD", "asr_list", "1", "a");
        var finding = await at.FindAsync("list_wrong_type");
        Assert.Equal((Finding.Error, "asr"), (finding.Severity, finding.Queue));
        Assert.Contains("'asr_list' of the queue 'asr' is a zset", finding.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task List_of_another_name_that_fills_is_named(StoreKind kind)
    {
        await using var at = await DoctorBench.StartAsync(kind);
        await at.DoAsync("RPUSH", "asr-list", "{}");
        Assert.Contains("has 1 item", (await at.FindAsync("list_elsewhere")).Message, StringComparison.Ordinal);
        await at.DoAsync("RPUSH", "asr-list", "{}", "{}");
        var finding = await at.FindAsync("list_elsewhere");
        Assert.Contains("'asr_list' of the queue 'asr' is empty, while the list 'asr-list' grows and has 3 items", finding.Message, StringComparison.Ordinal);
        await at.DoAsync("LPOP", "asr-list");
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code == "list_elsewhere");
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Service_of_which_nothing_is_there_is_told_of_the_others(StoreKind kind)
    {
        await using var at = await DoctorBench.StartAsync(kind);
        const string told = "service_elsewhere: Nothing of the service 'asr' is in this Redis; there is 'default'.";
        Assert.DoesNotContain("service_elsewhere", (await at.DoctorAsync("--seconds", "0", "--service", "asr")).Expect(0).Out, StringComparison.Ordinal);
        await at.DoAsync("SADD", RedisKeys.Queues("default"), "asr");
        Assert.Contains(told, (await at.DoctorAsync("--seconds", "0", "--service", "asr")).Expect(0).Out, StringComparison.Ordinal);
        Assert.DoesNotContain("service_elsewhere", (await at.DoctorAsync("--seconds", "0")).Expect(0).Out, StringComparison.Ordinal);
        await at.DoAsync("SADD", RedisKeys.Queues("asr"), "tts");
        Assert.DoesNotContain("service_elsewhere", (await at.DoctorAsync("--seconds", "0", "--service", "asr")).Expect(0).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_of_another_name_stays_named_once_it_is_known_what_was_claimed()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("RPUSH", "asr-list", "{}");
        await at.FindAsync("list_elsewhere");
        await at.DoAsync("HSET", Meta, "claimed", "0");
        await at.FindAsync("list_elsewhere");
        await at.DoAsync("HSET", Meta, "claimed", "1");
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code == "list_elsewhere");
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Quiet_database_and_own_keys_give_no_finding(StoreKind kind)
    {
        await using var at = await DoctorBench.StartAsync(kind);
        await at.DoAsync("ZADD", "gristmill:default:{asr}:ready", "1", "1");
        await at.DoAsync("RPUSH", "asr_list", "{}");
        await at.DoAsync("ZADD", "scores", "1", "a");
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code != "redis_forgets");
    }

    [Fact]
    public async Task Lists_that_gristmill_writes_or_another_silo_serves_are_no_foreign_lists()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("SADD", RedisKeys.Queues("default"), "tts");
        await at.AddSiloAsync(Silos.Record("b", "tts"));
        await at.DoAsync("HSET", new RedisKeys("default", 0, "tts").Of("meta"), "lists", "tts_list\ntts_urgent");
        string[] ours = ["asr_letters", "replies:42", "tts_list", "tts_urgent"];
        foreach (var list in ours) await at.DoAsync("RPUSH", list, "{}");
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code != "redis_forgets");
        foreach (var list in ours) await at.DoAsync("RPUSH", list, "{}", "{}");
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code != "redis_forgets");

        // The same under names that nobody has claimed.
        await at.DoAsync("RPUSH", "replies", "{}");
        Assert.Contains("the list 'replies' has 1 item", (await at.FindAsync("list_elsewhere")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("RQ", "rq", "python3-rq", "import redis; from rq import Queue\nQueue('asr-queue', connection=redis.Redis(port={0})).enqueue('os.getcwd')", "'asr-queue' (key 'rq:queue:asr-queue')")]
    [InlineData("Celery", "celery", "celery", "from celery import Celery\nCelery('x', broker='redis://127.0.0.1:{0}/0').send_task('add', args=(1,), queue='speech', ignore_result=True)", "'speech' (key 'speech')")]
    public async Task Real_producer_of_another_library_is_recognised(string library, string module, string package, string program, string expected)
    {
        Tools.RequirePythonModule(module, package);
        await using var at = await DoctorBench.StartAsync();
        await RunPythonAsync(program.Replace("{0}", $"{at.Server.Port}", StringComparison.Ordinal));
        var finding = await at.FindAsync("other_library");
        Assert.Contains($"The {library} queue {expected} has 1 item, while the list 'asr_list' is empty", finding.Message, StringComparison.Ordinal);
        Assert.Equal(Finding.Warning, finding.Severity);
    }

    [Fact]
    public async Task Arq_queue_of_any_name_is_recognised_by_its_job()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("ZADD", "scribes:queue", "1", "j1");
        await at.DoAsync("SET", "arq:job:j1", "x");
        Assert.Contains("The ARQ queue 'scribes:queue'", (await at.FindAsync("other_library")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_that_waits_in_brpop_is_suspected_and_one_that_takes_is_told()
    {
        await using var at = await DoctorBench.StartAsync();
        await using var thief = RedisClient.Connect(Foreign(at.Server.Url), NullLoggerFactory.Instance);
        await using var connection = await thief.OpenDedicatedAsync(Cancelled);
        var waiting = connection.ExecuteAsync(new RedisCommand("BRPOP", "asr_list", "0").WithTimeout(TimeSpan.FromMinutes(1)), Cancelled).AsTask();
        await Eventually.TrueAsync("it waits", async () => (await at.DoAsync("CLIENT", "LIST")).AsString().Contains("cmd=brpop", StringComparison.Ordinal), cancellationToken: Cancelled);
        var suspected = await at.FindAsync("other_consumer_possible");
        Assert.Contains("'celery-worker'", suspected.Message, StringComparison.Ordinal);
        Assert.Contains("waits in BRPOP", suspected.Message, StringComparison.Ordinal);

        await at.DoAsync("RPUSH", "asr_list", "1", "2", "3");
        await waiting;
        await at.LookAsync();
        await thief.ExecuteAsync(new RedisCommand("RPOP", "asr_list"), Cancelled);
        var told = await at.FindAsync("other_consumer");
        Assert.Equal((Finding.Error, "asr"), (told.Severity, told.Queue));
        Assert.Contains("at least 1 went", told.Message, StringComparison.Ordinal);
        Assert.Contains("RPOP", told.Message, StringComparison.Ordinal);

        // What a silo claims, and what a flush takes, is nobody's theft.
        await at.DoAsync("RPUSH", "asr_list", "1", "2", "3");
        await at.LookAsync();
        await at.DoAsync("HSET", Meta, "claimed", "3");
        await at.DoAsync("LTRIM", "asr_list", "2", "-1");
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code == "other_consumer");
        await at.DoAsync("FLUSHDB");
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code == "other_consumer");
    }

    [Fact]
    public async Task Redis_that_may_evict_or_forget_is_warned_of()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("CONFIG", "SET", "maxmemory", "100mb");
        await at.DoAsync("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
        Assert.Contains("allkeys-lru", (await at.FindAsync("redis_may_evict")).Message, StringComparison.Ordinal);
        await at.FindAsync("redis_forgets");
        await at.DoAsync("CONFIG", "SET", "maxmemory", "0");
        Assert.Equal(Finding.Info, (await at.FindAsync("redis_may_evict")).Severity);
        await at.DoAsync("CONFIG", "SET", "maxmemory-policy", "noeviction");
        await at.DoAsync("CONFIG", "SET", "appendonly", "yes");
        Assert.Empty(await at.LookAsync());
    }

    [Fact]
    public void List_in_another_slot_is_an_error_on_a_cluster()
    {
        var options = new GristmillOptions { Queues = { ["asr"] = new QueueOptions { List = "asr_list", Lists = [new ListOptions { Name = "{asr}:high" }, new ListOptions { Name = "asr" }] } } };
        var finding = Assert.Single(ServerSettings.SlotsOf(options));
        Assert.Contains("'asr_list'", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_lists_of_others_are_one_line_and_the_one_that_is_alike_is_first()
    {
        await using var at = await DoctorBench.StartAsync();
        for (var n = 0; n < 30; n++) await at.DoAsync("RPUSH", $"cache:{n}", "x");
        await at.DoAsync("RPUSH", "asr-list", "{}");
        var found = (await at.LookAsync()).Where(f => f.Code == "list_elsewhere").ToList();
        Assert.Equal([Finding.Warning, Finding.Info], found.Select(f => f.Severity));
        Assert.Contains("'asr-list'", found[0].Message, StringComparison.Ordinal);
        Assert.Contains("30 lists with other names have items and do not grow, such as 'cache:0' (1 item)", found[1].Message, StringComparison.Ordinal);
        await at.DoAsync("RPUSH", "cache:7", "x");
        Assert.Contains(await at.LookAsync(), f => f.Severity == Finding.Warning && f.Message.Contains("'cache:7' grows and has 2 items", StringComparison.Ordinal));
    }

    [Fact]
    public async Task List_that_grows_while_nobody_misses_anything_is_worth_knowing()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("RPUSH", "asr_list", "{}");
        await at.DoAsync("RPUSH", "elsewhere", "{}");
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code == "list_grows");
        await at.DoAsync("RPUSH", "elsewhere", "{}");
        Assert.Equal(Finding.Info, (await at.FindAsync("list_grows")).Severity);
        await at.DoAsync("LPOP", "elsewhere");
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code == "list_grows");
    }

    [Fact]
    public async Task Silo_is_unready_for_its_own_trouble_alone_and_writes_that_into_its_record()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("SADD", RedisKeys.Queues("default"), "tts");
        await at.DoAsync("HSET", new RedisKeys("default", 0, "tts").Of("meta"), "lists", "tts_list");
        await at.DoAsync("RPUSH", "tts_list", "{}");
        await at.AddSiloAsync(Silos.Record("b", "mail") with { Findings = [new SiloFindingRecord("cut_off", "error", null, "The silo is cut off.", "See Redis.")] });
        await at.DoAsync("SET", "asr_list", "x");
        await using var client = RedisClient.Connect(RedisOptions.Parse(at.Server.Url), NullLoggerFactory.Instance);
        var options = Options();
        options.SiloName = "me";
        var life = new SiloLife();
        using var service = new FindingsService(client, Microsoft.Extensions.Options.Options.Create(options), new SiloIdentity("me"), [new OwnTrouble(), new StoppingFinding(life)], NullLogger<FindingsService>.Instance, TimeProvider.System);
        life.Drain();
        await service.LookAsync(Cancelled);
        Assert.Equal(["cut_off", "draining", "list_wrong_type", "queue_not_served", "queue_without_silo"], service.Current.Where(f => f.Severity == Finding.Error).Select(f => f.Code).Order());
        Assert.Equal(["draining", "list_wrong_type", "queue_not_served"], service.InTheWay.Select(f => f.Code).Order());
        Assert.Equal(["queue_not_served"], service.OwnRecords.Select(f => f.Code));
    }

    [Fact]
    public async Task Scan_goes_on_where_the_last_look_ended_and_says_that_it_saw_a_part()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("EVAL", "for i = 1, 5000 do redis.call('SET', 'k' .. i, 1) end", "0");
        await at.DoAsync("RPUSH", "asr-list", "{}");
        var look = at.LookOf(Options(), s => s with { KeysPerLook = 500 });
        var first = await look.TakeAsync(Cancelled);
        Assert.Contains("of 5001 keys have been gone through", DoctorBench.Only(first, "looked_in_part").Message, StringComparison.Ordinal);
        IReadOnlyList<Finding> found = [];
        for (var looks = 0; looks < 15 && !found.Any(f => f.Code == "list_elsewhere"); looks++) found = await look.TakeAsync(Cancelled);
        DoctorBench.Only(found, "list_elsewhere");
        for (var looks = 0; looks < 15; looks++) found = await look.TakeAsync(Cancelled);
        Assert.DoesNotContain(found, f => f.Code == "looked_in_part");
    }

    [Fact]
    public async Task Look_sends_small_commands_alone()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.LoadAsync(RecordedKeys.All);
        await at.DoAsync("EVAL", "for i = 1, 20000 do redis.call('SET', 'k' .. i, 1) end", "0");
        await at.DoAsync("RPUSH", "asr_list", "{}");
        await at.DoAsync("CONFIG", "RESETSTAT");
        await at.LookAsync();
        var calls = ServerFacts.Parse((await at.DoAsync("INFO", "commandstats")).AsString())
            .Where(f => f.Key.StartsWith("cmdstat_", StringComparison.Ordinal))
            .ToDictionary(f => f.Key["cmdstat_".Length..], f => int.Parse(f.Value.Split(',')[0].Split('=')[1], System.Globalization.CultureInfo.InvariantCulture));
        string[] small =
        [
            "client|list", "client|setname", "config|get", "config|resetstat", "dbsize", "exists", "get", "hexists", "hget", "hlen", "hmget", "info", "lindex", "llen", "memory|usage",
            "ping", "pttl", "scan", "srandmember", "time", "type", "zcard", "zrange",
        ];
        Assert.Empty(calls.Keys.Except(small));
        Assert.InRange(calls["scan"], 2, 200);
    }

    [Fact]
    public async Task Queue_with_a_backlog_and_no_silo_is_an_error_and_a_paused_one_a_warning()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("SADD", RedisKeys.Queues("default"), "tts");
        await at.DoAsync("HSET", new RedisKeys("default", 0, "tts").Of("meta"), "lists", "tts_list");
        await at.DoAsync("RPUSH", "tts_list", "{}", "{}");
        var finding = await at.FindAsync("queue_without_silo");
        Assert.Equal((Finding.Error, "tts"), (finding.Severity, finding.Queue));
        Assert.Contains("and work waits: 2 items in 'tts_list'.", finding.Message, StringComparison.Ordinal);

        await at.AddSiloAsync(Silos.Record("b", "tts"));
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code is "queue_without_silo" or "queue_paused");
        await at.DoAsync("HSET", new RedisKeys("default", 0, "tts").Of("meta"), "state", "paused");
        Assert.Equal(Finding.Warning, (await at.FindAsync("queue_paused")).Severity);
    }

    [Fact]
    public async Task Key_of_a_queue_that_is_of_another_type_is_an_error()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("SET", new RedisKeys("default", 0, "asr").Of("retrying"), "x");
        var finding = await at.FindAsync("key_wrong_type");
        Assert.Contains("'gristmill:default:{asr}:retrying' of the queue 'asr' is a string in Redis, and must be a zset", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Name_of_a_key_is_cut_where_it_would_fill_the_finding()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("LPUSH", "it's others' " + new string('k', 5000), "{}");
        await at.DoAsync("LPUSH", "long" + new string('l', 5000), "{}");
        var found = await at.LookAsync();
        Assert.Contains(found, f => f.Message.Contains($"'long{new string('l', 196)}…'", StringComparison.Ordinal));
        Assert.All(found, f => Assert.InRange(f.Message.Length, 1, 4001));
    }

    [Theory]
    [InlineData("gristmill:default:queues", "set")]
    [InlineData("gristmill:default:{@silos}:ids", "set")]
    [InlineData("gristmill:cluster:{default/default}:directory", "hash")]
    public async Task Key_of_the_service_that_is_of_another_type_is_an_error(string key, string type)
    {
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("SET", key, "x");
        var finding = await at.FindAsync("key_wrong_type");
        Assert.Equal((Finding.Error, null), (finding.Severity, finding.Queue));
        Assert.Contains($"The key '{key}' of the service 'default' is a string in Redis, and must be a {type}", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Silos_that_are_lost_or_unlike_are_named_and_what_others_say_of_themselves_is_repeated()
    {
        await using var at = await DoctorBench.StartAsync();
        var generation = Silos.Record("a", "asr").Queues[0].Generation;
        await at.DoAsync("HSET", new RedisKeys("default", 0, "asr").Of("silos"), generation, "a");
        await at.AddSiloAsync(Silos.Record("a", "asr"), TimeSpan.FromSeconds(30));
        await at.AddSiloAsync(Silos.Record("b", "asr") with { Version = "9.9.9", Findings = [new SiloFindingRecord("gpu_put_aside", "warning", null, "Device GPU 0 is put aside: Xid 79", "See nvidia-smi.")] });
        await at.AddSiloAsync(Silos.Record("c", "asr") with { Engine = "Orleans" });
        var found = await at.LookAsync();
        Assert.Contains("'a' on host-a (process 7) was lost 30 s ago", DoctorBench.Only(found, "silo_lost").Message, StringComparison.Ordinal);
        Assert.Contains("3 of the queue 'asr', which a silo of that queue gives back", DoctorBench.Only(found, "silo_lost").Message, StringComparison.Ordinal);
        Assert.Contains("1.0.0 (c); 9.9.9 (b)", DoctorBench.Only(found, "silo_versions").Message, StringComparison.Ordinal);
        Assert.Equal(Finding.Error, DoctorBench.Only(found, "silo_engines").Severity);
        Assert.Equal("b", DoctorBench.Only(found, "gpu_put_aside").Silo);

        await at.DoAsync("HDEL", new RedisKeys("default", 0, "asr").Of("silos"), generation);
        await at.DoAsync("HSET", Meta, "recovered", "3");
        Assert.Contains("given back by now (3 jobs of lost silos in all)", (await at.FindAsync("silo_lost")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_queue_went_through_is_told_for_ten_minutes()
    {
        var clock = new ManualClock();
        var queue = new QueueRuntime("asr", new QueueOptions(), null!, () => null!, clock);
        var findings = new BridgeFindings(new SiloQueues(), clock);
        queue.History.Reaped(leases: 1, recovered: 4, dead: 1);
        queue.History.Flushed();
        queue.History.LeaseLost();
        queue.History.LeaseLost();
        clock.Advance(TimeSpan.FromMinutes(1));
        var told = findings.Of(queue).ToList();
        Assert.Equal(["store_flushed", "jobs_recovered"], told.Select(f => f.Code));
        Assert.Contains("the last 60 s ago: 4 run again, 1 had lost their silo too often", told[1].Message, StringComparison.Ordinal);
        queue.History.LeaseLost();
        queue.History.Reaped(leases: 2, recovered: 0, dead: 0);
        Assert.Equal(2, findings.Of(queue).Count(f => f.Code == "leases_expire"));
        clock.Advance(QueueHistory.Shown);
        Assert.Empty(findings.Of(queue));
    }

    [Fact]
    public void Queue_whose_bridge_fails_again_and_again_is_not_served()
    {
        var clock = new ManualClock();
        var queue = new QueueRuntime("asr", new QueueOptions(), null!, () => null!, clock);
        var findings = new BridgeFindings(new SiloQueues(), clock);
        queue.History.BridgeFailed(new InvalidOperationException("an old one"));
        clock.Advance(QueueHistory.FailuresWithin);
        queue.History.BridgeFailed(new InvalidOperationException("a"));
        queue.History.BridgeFailed(new InvalidOperationException("b"));
        Assert.Empty(findings.Of(queue));
        queue.History.BridgeFailed(new InvalidOperationException("odd\u001b[2J"));
        var told = Assert.Single(findings.Of(queue));
        Assert.Equal(("queue_not_served", Finding.Error, "asr"), (told.Code, told.Severity, told.Queue));
        Assert.Contains("its bridge failed 3 times within a minute, the last time with InvalidOperationException: odd\uFFFD[2J", told.Message, StringComparison.Ordinal);
        clock.Advance(QueueHistory.FailuresWithin);
        Assert.Empty(findings.Of(queue));
    }

    [Fact]
    public async Task Redis_that_is_nearly_full_or_cannot_save_is_said()
    {
        await using var at = await DoctorBench.StartAsync();
        var used = long.Parse(ServerFacts.Parse((await at.DoAsync("INFO", "memory")).AsString())["used_memory"], System.Globalization.CultureInfo.InvariantCulture);
        await at.DoAsync("CONFIG", "SET", "maxmemory", $"{used + used / 20}");
        await at.FindAsync("redis_full");
        await at.DoAsync("CONFIG", "SET", "maxmemory", "0");
        Directory.CreateDirectory(Path.Combine((await at.DoAsync("CONFIG", "GET", "dir"))[1].AsString(), "dump.rdb"));
        await at.DoAsync("BGSAVE");
        await Eventually.TrueAsync("the save failed", async () => (await at.DoAsync("INFO", "persistence")).AsString().Contains("rdb_last_bgsave_status:err", StringComparison.Ordinal), cancellationToken: Cancelled);
        Assert.Equal(Finding.Error, (await at.FindAsync("redis_cannot_save")).Severity);
    }

    private static GristmillOptions Options() => new() { Queues = { ["asr"] = new QueueOptions { List = "asr_list", Handler = "h" } } };

    private static RedisOptions Foreign(string url)
    {
        var options = RedisOptions.Parse(url);
        options.ClientName = "celery-worker";
        return options;
    }

    private sealed class OwnTrouble : IOwnFindings
    {
        public IReadOnlyList<Finding> Current => [new Finding("queue_not_served", Finding.Error, "asr", "Queue asr cannot be served.", "See the log.")];
    }

    private static async Task RunPythonAsync(string program)
    {
        using var python = Process.Start(new ProcessStartInfo(Tools.SystemPython, ["-c", program]) { RedirectStandardError = true })!;
        var said = await python.StandardError.ReadToEndAsync(Cancelled);
        await python.WaitForExitAsync(Cancelled);
        Assert.True(python.ExitCode == 0, said);
    }
}
