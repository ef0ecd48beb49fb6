using Microsoft.Extensions.Logging;

namespace Gristmill.Redis;

internal sealed partial class PubSubConnection
{
    [LoggerMessage(6011, LogLevel.Warning, "Lost the pub/sub connection to Redis at {Endpoint}: {Cause}")]
    private partial void LogLost(string endpoint, string cause);

    [LoggerMessage(6012, LogLevel.Warning, "No pub/sub connection to Redis, so that what is announced is heard late; it is tried again until it succeeds: {Message}")]
    private partial void LogConnectFailed(string message);

    [LoggerMessage(6013, LogLevel.Warning, "Redis at {Endpoint} refuses a subscription, so that what is announced is heard late; it is tried again until it succeeds: {Message} {Advice}")]
    private partial void LogRefused(string endpoint, string message, string advice);

    [LoggerMessage(6014, LogLevel.Warning, "Still no subscription at Redis after {Attempts} attempts in {Seconds:0} s: {Message}")]
    private partial void LogStillFailing(int attempts, double seconds, string message);
}
