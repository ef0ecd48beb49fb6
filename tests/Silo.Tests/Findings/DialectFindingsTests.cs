using Gristmill.Grains.Options;
using Gristmill.Store;
using Gristmill.Store.Payloads;

namespace Gristmill.Silo.Tests.Findings;

/// <summary>Whether a list of Celery is said to be foreign: by what is configured here, and by what other silos have announced.</summary>
public sealed class DialectFindingsTests
{
    private const string Message = """{"body":"W10=","content-encoding":"utf-8","headers":{"id":"1"},"properties":{}}""";

    [Theory]
    [InlineData(null, null, true)]
    [InlineData(Dialect.Sidekiq, null, true)]
    [InlineData(null, Dialect.Sidekiq, true)]
    [InlineData(Dialect.Celery, null, false)]
    [InlineData(Dialect.Celery, Dialect.Sidekiq, false)]
    [InlineData(null, Dialect.Celery, false)]
    public async Task List_of_celery_is_foreign_unless_that_is_the_queues_dialect(Dialect? here, Dialect? announced, bool isForeign)
    {
        await using var at = await DoctorBench.StartAsync();
        await FillAsync(at, "asr", announced);
        var look = at.LookOf(new GristmillOptions { Redis = at.Server.Url, Queues = { ["asr"] = new QueueOptions { List = "asr_list", Handler = "h", Dialect = here } } });
        var found = await look.TakeAsync(TestContext.Current.CancellationToken);
        if (!isForeign)
        {
            Assert.DoesNotContain(found, f => f.Code is "foreign_in_list" or "other_library");
            return;
        }

        Assert.EndsWith("are for workers of Celery, unless the queue shall run them: then set its Dialect to Celery.", DoctorBench.Only(found, "foreign_in_list").Action, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Dialect.Celery, false)]
    [InlineData(Dialect.Sidekiq, true)]
    [InlineData(null, true)]
    public async Task Dialect_of_a_queue_that_only_others_have_is_the_one_that_they_announced(Dialect? announced, bool isForeign)
    {
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("SADD", RedisKeys.Queues(DoctorBench.Service), "tts");
        await FillAsync(at, "tts", announced);
        Assert.Equal(isForeign, (await at.LookAsync()).Any(f => f.Code == "foreign_in_list" && f.Queue == "tts"));
    }

    [Fact]
    public async Task Queue_that_could_take_another_librarys_jobs_is_told_how()
    {
        await using var at = await DoctorBench.StartAsync();
        await at.DoAsync("RPUSH", "speech", Message);
        await at.DoAsync("RPUSH", "rq:queue:speech", "372569d3");
        var found = await at.LookAsync();
        var celery = Assert.Single(found, f => f.Message.StartsWith("The Celery queue", StringComparison.Ordinal));
        Assert.EndsWith("wraps jobs in a form of its own, which Gristmill runs only in a queue with Dialect Celery.", celery.Message, StringComparison.Ordinal);
        Assert.EndsWith("; or configure a queue with the list 'speech' and Dialect Celery.", celery.Action, StringComparison.Ordinal);
        var rq = Assert.Single(found, f => f.Message.StartsWith("The RQ queue", StringComparison.Ordinal));
        Assert.DoesNotContain("Dialect", rq.Message + rq.Action, StringComparison.Ordinal);
    }

    private static async Task FillAsync(DoctorBench at, string queue, Dialect? announced)
    {
        var rules = new QueueRules { MaxPayloadBytes = 1000, IdWindowMs = 1000, MaxWaiting = 1, Fields = PayloadFields.Default, Dialect = announced };
        await at.DoAsync("HSET", new RedisKeys(DoctorBench.Service, 0, queue).Of("meta"), "lists", $"{queue}_list", "rules", rules.ToJson());
        await at.DoAsync("SADD", ForeignDialects.CeleryBinding($"{queue}_list"), "x");
        await at.DoAsync("RPUSH", $"{queue}_list", Message, Message);
    }
}
