namespace Gristmill.Silo.Hosting;

/// <summary>What a silo says when it starts; event ids 1200 to 1209.</summary>
internal static partial class StartReportLog
{
    [LoggerMessage(1200, LogLevel.Information, "Gristmill {Version}: silo {Silo}, service {Service}.")]
    public static partial void Started(this ILogger log, string version, string silo, string service);

    [LoggerMessage(1201, LogLevel.Information, "Redis: {Redis} ({Server}{Embedded}).")]
    public static partial void RedisReached(this ILogger log, string redis, string server, string embedded);

    [LoggerMessage(1202, LogLevel.Error, "Redis: {Error}")]
    public static partial void RedisMissing(this ILogger log, string error);

    [LoggerMessage(1203, LogLevel.Information, "Queue {Queue}: {Lists}; {Runner}; {Concurrency} at once, {Timeout} s an attempt, {Retries} retries after {Waits}.")]
    public static partial void Queue(this ILogger log, string queue, string lists, string runner, int concurrency, double timeout, int retries, string waits);

    [LoggerMessage(1205, LogLevel.Warning, "No queue is configured, so nothing will be worked on: gristmill silo --queue NAME --list LIST --worker 'COMMAND', or Gristmill__Queues__NAME__List and so on.")]
    public static partial void NoQueues(this ILogger log);

    [LoggerMessage(1204, LogLevel.Information, "HTTP API: {Url}, {Access}; GET /health/ready says whether the queues are served.")]
    public static partial void Listening(this ILogger log, string url, string access);
}
