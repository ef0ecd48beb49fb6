namespace Gristmill.Silo.Tests.Findings;

/// <summary>
/// What other libraries left in Redis, as commands that make it again (words between bars): Sidekiq 6.4 with a worker that
/// waits, and BullMQ 6.7 with a waiting, a prioritised and a delayed job, recorded from the running programs; Resque 2,
/// Laravel 11, ARQ 0.26 and asynq 0.24 by their documented keys.
/// </summary>
internal static class RecordedKeys
{
    public const string Sidekiq = """
        LPUSH|queue:mail|{"retry":true,"queue":"mail","args":["bob",5],"class":"HardWorker","jid":"30449b0b9b2af1a635f78da4","created_at":1795803370.4933188,"enqueued_at":1795803370.493504}
        SADD|queues|mail
        SADD|processes|vm:23518:16ac16d17295
        HSET|vm:23518:16ac16d17295|info|{"hostname":"vm","started_at":1795803371.1004434,"pid":23518,"tag":"","concurrency":2,"queues":["speech"],"labels":[],"identity":"vm:23518:16ac16d17295"}|busy|0|quiet|false|beat|1795803376.1098182
        ZADD|schedule|1795803430.5|{"retry":true,"queue":"default","args":[1],"class":"HardWorker","jid":"c4db","created_at":1795803370.5}
        SET|stat:processed|0
        """;

    public const string BullMq = """
        LPUSH|bull:paint:wait|1
        ZADD|bull:paint:prioritized|12884901889|2
        ZADD|bull:paint:delayed|7355609|3
        HSET|bull:paint:meta|opts.maxLenEvents|10000|version|bullmq:6.7.0
        HSET|bull:paint:1|name|a|data|{"x":1}|opts|{"attempts":0}
        SET|bull:paint:id|3
        """;

    public const string Resque = """
        SADD|resque:queues|clips
        RPUSH|resque:queue:clips|{"class":"Transcribe","args":[7]}
        SADD|resque:workers|vm:4711:clips,mail
        """;

    public const string Laravel = """
        RPUSH|laravel_database_queues:default|{"uuid":"5f1c","displayName":"App\\Jobs\\Send","job":"Illuminate\\Queue\\CallQueuedHandler@call","maxTries":null,"data":{"commandName":"App\\Jobs\\Send","command":"O:13"},"id":"a","attempts":0}
        RPUSH|laravel_database_queues:default:notify|1
        """;

    public const string Arq = """
        ZADD|arq:queue|1795803370493|d5b1
        SET|arq:job:d5b1|packed
        SET|arq:queue:health-check|Nov-27 18:00:00 j_complete=0 j_failed=0 j_retried=0 j_ongoing=0 queued=1
        """;

    public const string Asynq = """
        SADD|asynq:queues|default
        LPUSH|asynq:{default}:pending|7a1f
        HSET|asynq:{default}:t:7a1f|msg|packed|state|pending
        ZADD|asynq:servers|1795803430|asynq:servers:{vm:812:9c41}
        """;

    public static string All => string.Join('\n', Sidekiq, BullMq, Resque, Laravel, Arq, Asynq);
}
