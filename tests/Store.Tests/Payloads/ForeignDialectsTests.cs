using System.Text;
using Gristmill.Store.Payloads;

namespace Gristmill.Store.Tests.Payloads;

/// <summary>How other libraries' queues are told from lists of anybody: by names and messages as these libraries wrote them.</summary>
public sealed class ForeignDialectsTests
{
    private const string Celery = """{"body": "W1sxXSwge30sIHt9XQ==", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"lang": "py", "task": "add"}, "properties": {"correlation_id": "91da"}}""";
    private const string Sidekiq = """{"retry":true,"queue":"mail","args":["bob",5],"class":"HardWorker","jid":"30449b0b9b2af1a635f78da4","created_at":1795803370.4933188,"enqueued_at":1795803370.493504}""";
    private const string Resque = """{"class":"HardWorker","args":["bob",5]}""";
    private const string Laravel = """{"uuid":"5f1c","displayName":"App\\Jobs\\Send","job":"Illuminate\\Queue\\CallQueuedHandler@call","maxTries":null,"data":{"commandName":"App\\Jobs\\Send","command":"O:13"},"id":"a","attempts":0}""";
    private const string Ours = """{"session_id":"s1","chunk":7}""";

    public static TheoryData<string, string, string?, string?> Lists => new()
    {
        { "rq:queue:asr-queue", "372569d3-d17c-4c4e-9c96-b5a5c15cbc0d", "RQ", "asr-queue" },
        { "rq:queue:asr-queue:intermediate", "372569d3", null, null },
        { "bull:paint:wait", "1", "BullMQ", "paint" },
        { "bull:paint:paused", "1", "BullMQ", "paint" },
        { "bull:paint:active", "1", null, null },
        { "asynq:{default}:pending", "d1f0", "Asynq", "default" },
        { "asynq:{default}:active", "d1f0", null, null },
        { "resque:queue:mail", Resque, "Resque", "mail" },
        { "celery", Celery, "Celery", "celery" },
        { "speech", Celery, "Celery", "speech" },
        { "queue:mail", Sidekiq, "Sidekiq", "mail" },
        { "app:queue:mail", Sidekiq, "Sidekiq", "mail" },
        { "queues:default", Laravel, "Laravel", "default" },
        { "laravel_database_queues:default", Laravel, "Laravel", "default" },
        { "queues:default:notify", "1", null, null },
        { "queue:mail", Ours, null, null },
        { "queues:default", Ours, null, null },
        { "celery", Ours, null, null },
        { "bull:wait", "1", null, null },
        { "rq:queue:", "x", null, null },
        { "work_queue", Ours, null, null },
    };

    [Theory, MemberData(nameof(Lists))]
    public void List_is_known_by_its_name_or_its_message(string key, string item, string? library, string? queue) =>
        Assert.Equal(library is null ? null : new ForeignQueue(library, queue!), ForeignDialects.OfList(key, Encoding.UTF8.GetBytes(item)));

    [Theory]
    [InlineData("arq:queue", "ARQ", "arq:queue")]
    [InlineData("arq:queue:slow", "ARQ", "arq:queue:slow")]
    [InlineData("bull:paint:prioritized", "BullMQ", "paint")]
    [InlineData("bull:paint:delayed", null, null)]
    [InlineData("scores", null, null)]
    public void Sorted_set_is_known_by_its_name(string key, string? library, string? queue) =>
        Assert.Equal(library is null ? null : new ForeignQueue(library, queue!), ForeignDialects.OfSortedSet(key));

    [Fact]
    public void Message_that_was_cut_is_known_by_what_is_left()
    {
        var message = Sidekiq.Replace("\"bob\"", $"\"{new string('b', 100)}\"", StringComparison.Ordinal);
        Assert.Equal("Sidekiq", ForeignDialects.OfMessage(Encoding.UTF8.GetBytes(message)[..^20]));
        Assert.Null(ForeignDialects.OfMessage("{\"class\""u8));
        Assert.Null(ForeignDialects.OfMessage("{]"u8));
        Assert.Null(ForeignDialects.OfMessage(default));
    }

    public static TheoryData<string, string, string, bool, string?> Owners => new()
    {
        { "work_queue", Celery, Celery, true, "Celery" },
        { "work_queue", Celery, Celery, false, null },
        { "work_queue", Celery, Ours, true, null },
        { "work_queue", Ours, Ours, true, null },
        { "queue:mail", Sidekiq, Sidekiq, false, "Sidekiq" },
        { "mail", Sidekiq, Sidekiq, false, null },
        { "rq:queue:asr", "372569d3-d17c", "372569d3-d17d", false, "RQ" },
        { "rq:queue:asr", Ours, Ours, false, null },
        { "resque:queue:mail", Resque, Resque, false, "Resque" },
    };

    // What lies among jobs, or in a list that nobody else claims, is a dead letter instead.
    [Theory, MemberData(nameof(Owners))]
    public void List_belongs_to_a_library_that_names_it_and_has_both_its_ends(string list, string oldest, string newest, bool isBound, string? library) =>
        Assert.Equal(library, ForeignDialects.OwnerOf(list, Encoding.UTF8.GetBytes(oldest), Encoding.UTF8.GetBytes(newest), isBound));
}
