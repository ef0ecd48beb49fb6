using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>What is said of lists that are another library's; event ids 1250 to 1259.</summary>
internal static partial class ListGuardLog
{
    [LoggerMessage(1250, LogLevel.Error, "Queue {Queue}: {Trouble}")]
    public static partial void Foreign(this ILogger log, string queue, string trouble);
}
