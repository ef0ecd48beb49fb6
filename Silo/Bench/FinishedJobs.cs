using Gristmill.Redis;

namespace Gristmill.Silo.Bench;

/// <summary>Counts outcomes by the events of a queue.</summary>
internal static class FinishedJobs
{
    /// <summary>When the first of so many jobs was completed, and when the last, as timestamps of the clock.</summary>
    /// <exception cref="InvalidOperationException">Events were lost.</exception>
    public static async Task<(long First, long Last)> WaitAsync(RedisSubscription events, int jobs, TimeProvider clock, CancellationToken cancellationToken = default)
    {
        long first = 0;
        var finished = 0;
        await foreach (var message in events.ReadAllAsync(cancellationToken))
        {
            if (message.Kind == RedisMessageKind.Gap) throw new InvalidOperationException("Events were lost; the count would be wrong.");
            if (!message.Payload.Span.StartsWith("completed "u8)) continue;
            if (first == 0) first = clock.GetTimestamp();
            finished += message.Payload.Span.Count((byte)' ');
            if (finished >= jobs) break;
        }

        return (first, clock.GetTimestamp());
    }
}
