using System.Runtime.CompilerServices;

namespace Gristmill.Redis;

/// <summary>
/// One subscriber of a channel. Messages wait in a bounded buffer; when it is full the oldest goes, is counted, and the
/// reader is told by a <see cref="RedisMessageKind.Gap"/> before the next message. The same after the connection was lost,
/// once the server has confirmed the subscription again. Disposing ends it.
/// </summary>
public sealed class RedisSubscription : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Queue<RedisMessage> _buffer = new();
    private readonly SemaphoreSlim _arrived = new(0, 1);
    private readonly TaskCompletionSource _confirmed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _capacity;
    private readonly Action<RedisSubscription> _disposed;
    private long _dropped;
    private bool _gapBefore;
    private bool _ended;

    internal RedisSubscription(string channel, int capacity, Action<RedisSubscription> disposed)
    {
        Channel = channel;
        _capacity = capacity;
        _disposed = disposed;
    }

    /// <summary>The channel.</summary>
    public string Channel { get; }

    /// <summary>How many messages were dropped because the reader was slow.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    internal Task Confirmed => _confirmed.Task;

    /// <summary>
    /// The messages as they come. For one reader at a time; leaving the enumeration loses nothing, another goes on where it
    /// ended. Ends when the subscription or the client is disposed, after what was delivered before.
    /// </summary>
    /// <param name="cancellationToken">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    public async IAsyncEnumerable<RedisMessage> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            while (TryTake(out var message))
            {
                yield return message;
            }

            if (Volatile.Read(ref _ended))
            {
                yield break;
            }

            await _arrived.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Unsubscribes; the last subscriber of a channel takes it off the server.</summary>
    public ValueTask DisposeAsync()
    {
        _disposed(this);
        Complete();
        return default;
    }

    /// <summary>The server has confirmed the channel: for the first time, or again on a new connection.</summary>
    internal void OnConfirmed()
    {
        if (!_confirmed.TrySetResult())
        {
            Put(Gap());
        }
    }

    internal void Deliver(ReadOnlyMemory<byte> payload) => Put(new RedisMessage(RedisMessageKind.Message, Channel, payload));

    internal void Complete()
    {
        lock (_gate)
        {
            _ended = true;
            Wake();
        }
    }

    private RedisMessage Gap() => new(RedisMessageKind.Gap, Channel, default);

    private void Put(RedisMessage message)
    {
        lock (_gate)
        {
            if (_ended)
            {
                return;
            }

            if (_buffer.Count == _capacity)
            {
                _dropped += _buffer.Dequeue().Kind == RedisMessageKind.Message ? 1 : 0;
                _gapBefore = true;
            }

            _buffer.Enqueue(message);
            Wake();
        }
    }

    private bool TryTake(out RedisMessage message)
    {
        lock (_gate)
        {
            if (_gapBefore)
            {
                _gapBefore = false;
                message = Gap();
                return true;
            }

            return _buffer.TryDequeue(out message);
        }
    }

    private void Wake()
    {
        if (_arrived.CurrentCount == 0)
        {
            _arrived.Release();
        }
    }
}
