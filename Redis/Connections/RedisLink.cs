using System.Net.Sockets;

namespace Gristmill.Redis;

/// <summary>
/// One connection to a server: the socket, TLS over it where asked, and the parser of its replies. One reader and one writer
/// at a time; whoever owns the link keeps to that.
/// </summary>
internal sealed class RedisLink(Socket socket, Stream stream, RedisEndpoint endpoint, RedisOptions options) : IDisposable
{
    /// <summary>What one read takes from the socket at most.</summary>
    private const int ReadBytes = 64 << 10;
    private readonly RespParser _parser = new(options);
    private readonly byte[] _buffer = new byte[ReadBytes];
    private int _start;
    private int _end;
    private int _disposed;

    public RedisEndpoint Endpoint => endpoint;

    /// <summary>Set by the handshake.</summary>
    public RedisServerInfo Server { get; set; } = new("redis", "", 2);

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        stream.WriteAsync(bytes, cancellationToken);

    /// <summary>The next reply out of what has been read already.</summary>
    public bool TryRead(out RedisReply reply)
    {
        var input = new ReadOnlySpan<byte>(_buffer, _start, _end - _start);
        var found = _parser.TryRead(ref input, out reply);
        _start = _end - input.Length;
        return found;
    }

    /// <summary>Reads more bytes. Call only when <see cref="TryRead"/> has used up what was there.</summary>
    /// <exception cref="IOException">The server has closed the connection, or it broke.</exception>
    public async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        _start = 0;
        _end = 0;
        _end = await stream.ReadAsync(_buffer, cancellationToken).ConfigureAwait(false);
        if (_end == 0)
        {
            throw new IOException("The server closed the connection.");
        }
    }

    public async ValueTask<RedisReply> ReceiveAsync(CancellationToken cancellationToken)
    {
        RedisReply reply;
        while (!TryRead(out reply))
        {
            await FillAsync(cancellationToken).ConfigureAwait(false);
        }

        return reply;
    }

    /// <summary>Closes the socket at once: reads and writes under way end, and nothing waits for a peer that does not answer.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            socket.Dispose();
            stream.Dispose();
        }
    }
}
