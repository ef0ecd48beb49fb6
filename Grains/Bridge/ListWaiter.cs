using Gristmill.Redis;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>
/// Waits until a list has an item, without taking it: BLMOVE from the list to the same end of itself, on a connection of
/// its own. Every silo that waits so is woken and none loses the item. Connected only while the list is empty.
/// </summary>
/// <remarks>
/// Runs on the thread pool, beside the bridge's turns: the wake-up need not wait for a turn only to ask for another one, and
/// the next wait goes out while a job of the last one starts.
/// </remarks>
internal sealed class ListWaiter(IRedisClient redis, string list, bool fromTail, Action<ReadOnlyMemory<byte>> woken, TimeProvider clock, ILogger log)
{
    // How long Redis waits before it answers with nothing: bounds how long a dead connection goes unseen.
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private readonly Signal _armed = new();
    private volatile bool _isArmed;

    /// <summary>Whether the list was seen empty and nothing has come since, as far as is known.</summary>
    public bool IsArmed => _isArmed;

    /// <summary>The list was seen empty: wait for the next item. Does nothing while it waits already.</summary>
    public void Arm()
    {
        if (_isArmed) return;
        _isArmed = true;
        _armed.Set();
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var side = fromTail ? "RIGHT" : "LEFT";
        RedisDedicated? connection = null;
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                await _armed.WaitAsync(cancellationToken).ConfigureAwait(false);
                try
                {
                    while (_isArmed)
                    {
                        if (connection is not { IsOpen: true }) connection = await redis.OpenDedicatedAsync(cancellationToken).ConfigureAwait(false);
                        var command = new RedisCommand("BLMOVE", list, list, side, side).Add(Wait.TotalSeconds);
                        var reply = await connection.ExecuteAsync(command, Wait, cancellationToken).ConfigureAwait(false);
                        if (!reply.IsNull) Woken(reply.Bytes);
                    }
                }
                catch (RedisException error)
                {
                    // The bridge polls too; what is wrong with the list shows when it claims.
                    log.WaitFailed(list, error.Message);
                    if (connection is not null) await connection.DisposeAsync().ConfigureAwait(false);
                    connection = null;
                    await Task.Delay(Pause, clock, cancellationToken).ConfigureAwait(false);
                    Woken(default);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The bridge ends.
        }
        finally
        {
            if (connection is not null) await connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void Woken(ReadOnlyMemory<byte> item)
    {
        _isArmed = false;
        woken(item);
    }
}
