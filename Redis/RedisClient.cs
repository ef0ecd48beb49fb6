using Microsoft.Extensions.Logging;

namespace Gristmill.Redis;

/// <summary>Makes clients.</summary>
public static class RedisClient
{
    /// <summary>
    /// Makes a client that connects in the background and keeps connecting; the first command waits for that up to its time
    /// limit.
    /// </summary>
    /// <param name="options">Copied.</param>
    /// <param name="loggerFactory">Where connections and losses are told.</param>
    /// <param name="timeProvider">The clock of time limits and waits; null for the system's.</param>
    /// <param name="random">Spreads the waits between attempts to connect; null for one of its own. Not shared afterwards.</param>
    /// <exception cref="ArgumentException">An option is out of its bounds; the message names each.</exception>
    public static IRedisClient Connect(
        RedisOptions options, ILoggerFactory loggerFactory, TimeProvider? timeProvider = null, Random? random = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(loggerFactory);
        if (options.Validate() is { Count: > 0 } wrong)
        {
            throw new ArgumentException(string.Join(Environment.NewLine, wrong), nameof(options));
        }

        return new ClientCore(
            options.Effective(), loggerFactory.CreateLogger("Gristmill.Redis"), timeProvider ?? TimeProvider.System, random ?? new Random());
    }
}
