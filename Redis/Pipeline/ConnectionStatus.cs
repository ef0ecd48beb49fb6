using System.Runtime.CompilerServices;

namespace Gristmill.Redis;

/// <summary>The newest state of the main connection, and the wake-up of those who watch it.</summary>
internal sealed class ConnectionStatus
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _closed;

    public RedisConnectionState Current { get; private set; } = new(false, 0, null, null);

    public Exception? LastError { get; private set; }

    public void Connected(RedisServerInfo server) => Change(s => new RedisConnectionState(true, s.Generation + 1, server, null), null);

    public void Disconnected(Exception error) => Change(s => s with { IsConnected = false, Error = error.Message }, error);

    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            _changed.TrySetResult();
        }
    }

    public async IAsyncEnumerable<RedisConnectionState> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RedisConnectionState? seen = null;
        while (true)
        {
            RedisConnectionState state;
            Task changed;
            lock (_gate)
            {
                state = Current;
                changed = _changed.Task;
                if (_closed && Equals(state, seen))
                {
                    yield break;
                }
            }

            if (!Equals(state, seen))
            {
                seen = state;
                yield return state;
                continue;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void Change(Func<RedisConnectionState, RedisConnectionState> next, Exception? error)
    {
        lock (_gate)
        {
            Current = next(Current);
            LastError = error ?? LastError;
            if (!_closed)
            {
                _changed.TrySetResult();
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }
}
