using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Silo;

/// <summary>What the guard logs; event ids 1130 to 1139.</summary>
internal static partial class ThreadPoolGuardLog
{
    [LoggerMessage(1130, LogLevel.Information, "Handlers block the threads of this silo; it now keeps {Threads} at hand. Handlers that await need none while they wait.")]
    public static partial void MoreThreads(this ILogger log, int threads);
}
