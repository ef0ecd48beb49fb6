using Microsoft.Extensions.Logging;

namespace Gristmill.Redis;

internal sealed partial class MultiplexedConnection
{
    [LoggerMessage(6001, LogLevel.Information, "Connected to Redis at {Endpoint}: {Server}, RESP{Protocol}")]
    private partial void LogConnected(string endpoint, string server, int protocol);

    [LoggerMessage(6002, LogLevel.Warning, "Lost the connection to Redis at {Endpoint}: {Cause}")]
    private partial void LogLost(string endpoint, string cause);

    [LoggerMessage(6003, LogLevel.Warning, "{Message} {Advice} It is tried again until it succeeds.")]
    private partial void LogConnectFailed(string message, string advice);

    [LoggerMessage(6006, LogLevel.Warning, "Still no connection to Redis after {Attempts} attempts in {Seconds:0} s: {Message}")]
    private partial void LogStillNoConnection(int attempts, double seconds, string message);

    [LoggerMessage(6004, LogLevel.Warning, "Redis at {Endpoint} does not answer; cutting the connection")]
    private partial void LogStuck(string endpoint);

    [LoggerMessage(6005, LogLevel.Warning, "Redis at {Endpoint} has lost its scripts (SCRIPT FLUSH or a restart); sending them again")]
    private partial void LogScriptsLost(string endpoint);
}
