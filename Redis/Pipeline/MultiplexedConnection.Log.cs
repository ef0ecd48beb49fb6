using Microsoft.Extensions.Logging;

namespace Gristmill.Redis;

internal sealed partial class MultiplexedConnection
{
    [LoggerMessage(6001, LogLevel.Information, "Connected to Redis at {Endpoint}: {Server}, RESP{Protocol}")]
    private partial void LogConnected(string endpoint, string server, int protocol);

    [LoggerMessage(6002, LogLevel.Warning, "Lost the connection to Redis at {Endpoint}: {Cause}")]
    private partial void LogLost(string endpoint, string cause);

    [LoggerMessage(6003, LogLevel.Warning, "{Message}")]
    private partial void LogConnectFailed(string message);

    [LoggerMessage(6004, LogLevel.Warning, "Redis at {Endpoint} does not answer; cutting the connection")]
    private partial void LogStuck(string endpoint);

    [LoggerMessage(6005, LogLevel.Warning, "Redis at {Endpoint} has lost its scripts (SCRIPT FLUSH or a restart); sending them again")]
    private partial void LogScriptsLost(string endpoint);
}
