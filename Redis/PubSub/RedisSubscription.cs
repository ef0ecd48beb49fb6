using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Gristmill.Redis;

/// <summary>
/// One subscriber of a channel. Messages wait in a bounded buffer; when it is full the oldest goes, is counted, and the
/// reader is told by a <see cref="RedisMessageKind.Gap"/> before the next message. The same after the connection was lost,
/// once the server has confirmed the subscription again. Disposing ends it.
/// </summary>
public sealed class RedisSubscription : IAsyncDisposable
{
    private readonly Channel<RedisMessage> _buffer;
    private readonly Action<RedisSubscription> _disposed;
    private readonly TaskCompletionSource _confirmed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _dropped;
    private int _gap;

    internal RedisSubscription(string channel, int capacity, Action<RedisSubscription> disposed)
    {
        Channel = channel;
        _disposed = disposed;
        var options = new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true };
        _buffer = System.Threading.Channels.Channel.CreateBounded<RedisMessage>(options, Drop);
    }

    /// <summary>The channel.</summary>
    public string Channel { get; }

    /// <summary>How many messages were dropped because the reader was slow.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    internal Task Confirmed => _confirmed.Task;

    /// <summary>The messages as they come. For one reader. Ends when the subscription or the client is disposed.</summary>
    /// <param name="cancellationToken">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    public async IAsyncEnumerable<RedisMessage> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await _buffer.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (_buffer.Reader.TryRead(out var message))
            {
                if (Interlocked.Exchange(ref _gap, 0) != 0 && message.Kind != RedisMessageKind.Gap)
                {
                    yield return Gap();
                }

                yield return message;
            }
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
            _buffer.Writer.TryWrite(Gap());
        }
    }

    internal void Deliver(ReadOnlyMemory<byte> payload) =>
        _buffer.Writer.TryWrite(new RedisMessage(RedisMessageKind.Message, Channel, payload));

    internal void Complete() => _buffer.Writer.TryComplete();

    private RedisMessage Gap() => new(RedisMessageKind.Gap, Channel, default);

    private void Drop(RedisMessage message)
    {
        if (message.Kind == RedisMessageKind.Message)
        {
            Interlocked.Increment(ref _dropped);
        }

        Volatile.Write(ref _gap, 1);
    }
}
