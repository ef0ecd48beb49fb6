using Gristmill.Redis;

namespace Gristmill.Client;

/// <summary>
/// Makes calls again after failures of Redis that pass: always where nothing was executed, and where the outcome is unknown
/// only when the call may be made twice. Waits twice as long each time; at most so often.
/// </summary>
internal sealed class RetryPolicy(int maxRetries, TimeSpan delay, TimeProvider clock)
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10);

    public Task<T> RepeatableAsync<T>(Func<CancellationToken, ValueTask<T>> call, CancellationToken cancellationToken) =>
        RunAsync(call, repeatable: true, cancellationToken);

    public async Task<T> RunAsync<T>(Func<CancellationToken, ValueTask<T>> call, bool repeatable, CancellationToken cancellationToken)
    {
        for (var retry = 0; ; retry++)
        {
            try
            {
                return await call(cancellationToken).ConfigureAwait(false);
            }
            catch (RedisException e) when (retry < maxRetries && MayPass(e) && (repeatable || !e.MayHaveExecuted))
            {
                var wait = TimeSpan.FromTicks(Math.Min(LongestDelay.Ticks, delay.Ticks << Math.Min(retry, 20)));
                await Task.Delay(wait, clock, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // A wrong password or command does not get better with time.
    private static bool MayPass(RedisException e) => e is not RedisServerException server
        || server.Code is RedisErrorCode.Loading or RedisErrorCode.ReadOnly or RedisErrorCode.MasterDown or RedisErrorCode.Busy;
}
