using System.Diagnostics;
using Gristmill.Grains.Options;
using Gristmill.Redis;
using Gristmill.Silo.Findings;
using Gristmill.Store;
using Gristmill.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Tests.Findings;

/// <summary>The doctor on real servers, with real producers and consumers. Each test has a server of its own: it looks at all keys.</summary>
public sealed class FindingsTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task List_of_another_type_is_an_error(StoreKind kind)
    {
        await using var at = await Doctor.StartAsync(kind);
        await at.DoAsync("ZADD", "asr_list", "1", "a");
        var finding = await at.FindAsync("list_wrong_type");
        Assert.Equal((Finding.Error, "asr"), (finding.Severity, finding.Queue));
        Assert.Contains("'asr_list' of the queue 'asr' is a zset", finding.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task List_of_another_name_that_fills_is_named(StoreKind kind)
    {
        await using var at = await Doctor.StartAsync(kind);
        await at.DoAsync("RPUSH", "asr-list", "{}");
        Assert.Contains("has 1 item", (await at.FindAsync("list_elsewhere")).Message, StringComparison.Ordinal);
        await at.DoAsync("RPUSH", "asr-list", "{}", "{}");
        var finding = await at.FindAsync("list_elsewhere");
        Assert.Contains("'asr_list' of the queue 'asr' is empty, while the list 'asr-list' grows and has 3 items", finding.Message, StringComparison.Ordinal);
        await at.DoAsync("LPOP", "asr-list");
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code == "list_elsewhere");
    }

    [Fact]
    public async Task List_of_another_name_stays_named_once_it_is_known_what_was_claimed()
    {
        var claims = new Claims { Total = null };
        await using var at = await Doctor.StartAsync(StoreKind.Redis, claims);
        await at.DoAsync("RPUSH", "asr-list", "{}");
        await at.FindAsync("list_elsewhere");
        claims.Total = 0;
        await at.FindAsync("list_elsewhere");
        claims.Total = 1;
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code == "list_elsewhere");
    }

    [Theory, MemberData(nameof(Stores.Both), MemberType = typeof(Stores))]
    public async Task Quiet_database_and_own_keys_give_no_finding(StoreKind kind)
    {
        await using var at = await Doctor.StartAsync(kind);
        await at.DoAsync("RPUSH", "gristmill:default:{asr}:ready", "1");
        await at.DoAsync("RPUSH", "asr_list", "{}");
        await at.DoAsync("ZADD", "scores", "1", "a");
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code != "redis_forgets");
    }

    [Fact]
    public async Task Lists_that_gristmill_writes_or_another_silo_serves_are_no_foreign_lists()
    {
        await using var at = await Doctor.StartAsync(StoreKind.Redis);
        await at.DoAsync("SADD", RedisKeys.Queues("default"), "tts");
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
        await using var at = await Doctor.StartAsync(StoreKind.Redis);
        await RunPythonAsync(program.Replace("{0}", $"{at.Server.Port}", StringComparison.Ordinal));
        var finding = await at.FindAsync("other_library");
        Assert.Contains($"The {library} queue {expected} has 1 item, while the list 'asr_list' is empty", finding.Message, StringComparison.Ordinal);
        Assert.Equal(Finding.Warning, finding.Severity);
    }

    [Fact]
    public async Task Arq_queue_of_any_name_is_recognised_by_its_job()
    {
        await using var at = await Doctor.StartAsync(StoreKind.Redis);
        await at.DoAsync("ZADD", "scribes:queue", "1", "j1");
        await at.DoAsync("SET", "arq:job:j1", "x");
        Assert.Contains("The ARQ queue 'scribes:queue'", (await at.FindAsync("other_library")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rq:queue:a", "x", "RQ", "a")]
    [InlineData("queue:mail", "{}", "Sidekiq", "mail")]
    [InlineData("app:queue:mail", "{\"class\":\"A\",\"jid\":\"1\"}", "Sidekiq", "app:queue:mail")]
    [InlineData("resque:queue:a", "x", "Resque", "a")]
    [InlineData("bull:paint:wait", "1", "BullMQ", "paint")]
    [InlineData("asynq:{default}:pending", "1", "Asynq", "default")]
    [InlineData("queues:default", "{}", "Laravel", "default")]
    [InlineData("celery", "", "Celery", "celery")]
    public void List_of_a_dialect_is_recognised(string key, string item, string library, string queue) =>
        Assert.Equal(new Dialect(library, queue), Dialect.OfList(key, item));

    [Theory]
    [InlineData("bull:wait")]
    [InlineData("rq:queue:")]
    [InlineData("work_queue")]
    public void List_of_no_dialect_is_not(string key) => Assert.Null(Dialect.OfList(key, "{\"session_id\":\"s\"}"));

    [Fact]
    public async Task Client_that_waits_in_brpop_is_suspected_and_one_that_takes_is_told()
    {
        var claims = new Claims();
        await using var at = await Doctor.StartAsync(StoreKind.Redis, claims);
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

        claims.Total = 1;
        await at.DoAsync("LPOP", "asr_list");
        Assert.DoesNotContain(await at.LookAsync(), f => f.Code == "other_consumer");
    }

    [Fact]
    public async Task Redis_that_may_evict_or_forget_is_warned_of()
    {
        await using var at = await Doctor.StartAsync(StoreKind.Redis);
        await at.DoAsync("CONFIG", "SET", "maxmemory", "100mb");
        await at.DoAsync("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
        Assert.Contains("allkeys-lru", (await at.FindAsync("redis_may_evict")).Message, StringComparison.Ordinal);
        await at.FindAsync("redis_forgets");
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
    public async Task Scan_goes_on_where_the_last_look_ended()
    {
        await using var at = await Doctor.StartAsync(StoreKind.Redis);
        await at.DoAsync("EVAL", "for i = 1, 20000 do redis.call('SET', 'k' .. i, 1) end", "0");
        await at.DoAsync("RPUSH", "asr-list", "{}");
        await Eventually.TrueAsync("the list is found", async () => (await at.LookAsync()).Any(f => f.Code == "list_elsewhere"), cancellationToken: Cancelled);
    }

    private static RedisOptions Foreign(string url)
    {
        var options = RedisOptions.Parse(url);
        options.ClientName = "celery-worker";
        return options;
    }

    private static async Task RunPythonAsync(string program)
    {
        using var python = Process.Start(new ProcessStartInfo(Tools.SystemPython, ["-c", program]) { RedirectStandardError = true })!;
        var said = await python.StandardError.ReadToEndAsync(Cancelled);
        await python.WaitForExitAsync(Cancelled);
        Assert.True(python.ExitCode == 0, said);
    }

    private sealed class Claims : IClaimCounts
    {
        public long? Total { get; set; } = 0;

        public long? ClaimedFrom(string queue, string list) => Total;
    }

    private sealed class Doctor(IRedisServer server, IRedisClient client, FindingsService service) : IAsyncDisposable
    {
        public IRedisServer Server => server;

        public static async Task<Doctor> StartAsync(StoreKind kind, IClaimCounts? claims = null)
        {
            var server = await Stores.StartAsync(kind);
            var client = RedisClient.Connect(RedisOptions.Parse(server.Url), NullLoggerFactory.Instance);
            var options = new GristmillOptions { Redis = server.Url, Queues = { ["asr"] = new QueueOptions { List = "asr_list", Handler = "h", DeadLetterList = "asr_letters", ReplyToPrefixes = ["replies:"] } } };
            return new Doctor(server, client, new FindingsService(
                client, Options.Create(options), NullLogger<FindingsService>.Instance, TimeProvider.System, claims));
        }

        public ValueTask<RedisReply> DoAsync(string name, params string[] arguments) => client.ExecuteAsync(new RedisCommand(name, arguments), Cancelled);

        public async Task<IReadOnlyList<Finding>> LookAsync()
        {
            await service.LookAsync(Cancelled);
            return service.Current;
        }

        public async Task<Finding> FindAsync(string code)
        {
            var found = await LookAsync();
            return Assert.Single(found, f => f.Code == code);
        }

        public async ValueTask DisposeAsync()
        {
            service.Dispose();
            await client.DisposeAsync();
            await server.DisposeAsync();
        }
    }
}
