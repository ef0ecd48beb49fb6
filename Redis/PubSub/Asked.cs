using System.Buffers;

namespace Gristmill.Redis;

/// <summary>
/// What one pub/sub connection has been asked for, what the server has confirmed, and when it was last heard. Channels are
/// read and changed under the lock of <see cref="PubSubConnection"/>.
/// </summary>
internal sealed class Asked : IDisposable
{
    private readonly Dictionary<string, int> _unconfirmed = new(StringComparer.Ordinal);
    private readonly HashSet<string> _channels = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _work = new(0, 1);
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly ITimer _keepAlive;
    private long _heard;
    private bool _pingDue;

    public Asked(TimeProvider time, TimeSpan keepAlive)
    {
        _time = time;
        _heard = time.GetTimestamp();
        _keepAlive = time.CreateTimer(static s => ((Asked)s!).KeepAlive(), this, keepAlive, keepAlive);
    }

    public void Wake()
    {
        lock (_gate)
        {
            if (_work.CurrentCount == 0)
            {
                _work.Release();
            }
        }
    }

    public Task WaitAsync(CancellationToken cancellationToken) => _work.WaitAsync(cancellationToken);

    public void Heard() => Volatile.Write(ref _heard, _time.GetTimestamp());

    public bool IsConfirmed(string channel) => _channels.Contains(channel) && !_unconfirmed.ContainsKey(channel);

    /// <summary>Takes a confirmation. True when no later one is to come for this channel.</summary>
    public bool Confirm(string channel)
    {
        if (!_unconfirmed.TryGetValue(channel, out var count) || count == 1)
        {
            _unconfirmed.Remove(channel);
            return _channels.Contains(channel);
        }

        _unconfirmed[channel] = count - 1;
        return false;
    }

    /// <summary>Writes SUBSCRIBE for what is wanted and was not asked, UNSUBSCRIBE for what was asked and is not wanted.</summary>
    public void Align(Dictionary<string, List<RedisSubscription>>.KeyCollection wanted, ArrayBufferWriter<byte> output)
    {
        foreach (var channel in wanted)
        {
            if (_channels.Add(channel))
            {
                _unconfirmed[channel] = _unconfirmed.GetValueOrDefault(channel) + 1;
                Write(output, "SUBSCRIBE", channel);
            }
        }

        foreach (var channel in _channels.Where(c => !wanted.Contains(c)).ToArray())
        {
            _channels.Remove(channel);
            Write(output, "UNSUBSCRIBE", channel);
        }
    }

    /// <summary>Whether a PING is due.</summary>
    /// <exception cref="IOException">The last ones were not answered.</exception>
    public bool TakePing(RedisOptions options)
    {
        if (!Interlocked.Exchange(ref _pingDue, false))
        {
            return false;
        }

        return _time.GetElapsedTime(Volatile.Read(ref _heard)) < options.KeepAlive + options.CommandTimeout
            ? true
            : throw new IOException("The server does not answer.");
    }

    public static void Write(ArrayBufferWriter<byte> output, params ReadOnlySpan<string> words)
    {
        var arguments = new ArgumentBuffer();
        foreach (var word in words)
        {
            arguments.Add(word.AsSpan());
        }

        RespWriter.Command(output, arguments);
        arguments.Release();
    }

    public void Dispose() => _keepAlive.Dispose();

    private void KeepAlive()
    {
        Volatile.Write(ref _pingDue, true);
        Wake();
    }
}
