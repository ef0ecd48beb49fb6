using Gristmill.Redis;
using Gristmill.Store;

namespace Gristmill.Client;

/// <summary>
/// Makes calls again after failures of Redis that pass: always where nothing was executed, and where the outcome is unknown
/// only when the call may be made twice. Waits twice as long each time; at most so often. Where a key is of the wrong type, it says
/// which: Redis does not.
/// </summary>
/// <param name="maxRetries">How often.</param>
/// <param name="delay">The first wait.</param>
/// <param name="clock">The clock of the waits.</param>
/// <param name="findWrongKey">Finds the key that is of the wrong type.</param>
internal sealed class RetryPolicy(int maxRetries, TimeSpan delay, TimeProvider clock, Func<CancellationToken, Task<WrongTypeException?>> findWrongKey)
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
            catch (RedisServerException e) when (e.Code == RedisErrorCode.WrongType)
            {
                if (await findWrongKey(cancellationToken).ConfigureAwait(false) is { } wrong) throw wrong;
                throw;
            }
        }
    }

    // A wrong password or command does not get better with time.
    private static bool MayPass(RedisException e) => e is not RedisServerException server
        || server.Code is RedisErrorCode.Loading or RedisErrorCode.ReadOnly or RedisErrorCode.MasterDown or RedisErrorCode.Busy;
}
