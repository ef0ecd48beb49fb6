using Microsoft.Extensions.Logging;

namespace Gristmill.Redis;

internal sealed partial class PubSubConnection
{
    [LoggerMessage(6011, LogLevel.Warning, "Lost the pub/sub connection to Redis at {Endpoint}: {Cause}")]
    private partial void LogLost(string endpoint, string cause);

    [LoggerMessage(6012, LogLevel.Warning, "Pub/sub: {Message}")]
    private partial void LogConnectFailed(string message);
}
