using System.Buffers;

namespace Gristmill.Redis;

/// <summary>
/// A connection of one caller's own: for commands that block on the server, and for transactions. One command at a time.
/// It does not reconnect: after a failure, a timeout or a cancelled wait it is closed, since a late reply could otherwise be
/// taken for the next one; open another.
/// </summary>
public sealed class RedisDedicated : IAsyncDisposable
{
    private readonly RedisLink _link;
    private readonly RedisOptions _options;
    private readonly TimeProvider _time;
    private readonly Action<RedisDedicated> _closed;
    private readonly ArrayBufferWriter<byte> _output = new();
    private int _busy;
    private int _disposed;

    internal RedisDedicated(RedisLink link, RedisOptions options, TimeProvider time, Action<RedisDedicated> closed)
    {
        _link = link;
        _options = options;
        _time = time;
        _closed = closed;
    }

    /// <summary>Whether another command can be sent.</summary>
    public bool IsOpen => Volatile.Read(ref _disposed) == 0;

    /// <summary>The server at the other end.</summary>
    public RedisServerInfo Server => _link.Server;

    /// <summary>Sends a command that does not block.</summary>
    /// <param name="command">The command; used up by this.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    public ValueTask<RedisReply> ExecuteAsync(RedisCommand command, CancellationToken cancellationToken = default) =>
        ExecuteAsync(command, TimeSpan.Zero, cancellationToken);

    /// <summary>Sends a command that may block on the server.</summary>
    /// <param name="command">The command, with its own wait among its arguments; used up by this.</param>
    /// <param name="serverWait">
    /// How long the server may wait, as the command says. The reply is waited for that long and
    /// <see cref="RedisOptions.CommandTimeout"/> on top. From 0; finite.
    /// </param>
    /// <param name="cancellationToken">Ends the wait and closes the connection.</param>
    /// <exception cref="RedisTimeoutException">No reply in time; the connection is closed.</exception>
    /// <exception cref="RedisConnectionLostException">The connection broke or was closed.</exception>
    public async ValueTask<RedisReply> ExecuteAsync(RedisCommand command, TimeSpan serverWait, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentOutOfRangeException.ThrowIfLessThan(serverWait, TimeSpan.Zero);
        if (Interlocked.Exchange(ref _busy, 1) != 0)
        {
            throw new InvalidOperationException("A dedicated connection takes one command at a time.");
        }

        try
        {
            return await ExchangeAsync(command, serverWait, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _busy, 0);
        }
    }

    /// <summary>Closes the connection; a command that waits fails.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _link.Dispose();
            _closed(this);
        }

        return default;
    }

    private async ValueTask<RedisReply> ExchangeAsync(RedisCommand command, TimeSpan serverWait, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Render(command);
        var limit = serverWait + (command.Timeout ?? _options.CommandTimeout);
        using var timeout = new CancellationTokenSource(limit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            await _link.WriteAsync(_output.WrittenMemory, either.Token).ConfigureAwait(false);
            RedisReply reply;
            do
            {
                reply = await _link.ReceiveAsync(either.Token).ConfigureAwait(false);
            }
            while (reply.Kind == RedisReplyKind.Push);
            return reply.IsError ? throw ServerError(reply) : reply;
        }
        catch (RedisServerException)
        {
            throw;
        }
        catch (Exception e)
        {
            await DisposeAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            throw e switch
            {
                OperationCanceledException => new RedisTimeoutException($"No reply to {command.Name} within {limit.TotalSeconds:0.###} s."),
                RedisException => e,
                _ => new RedisConnectionLostException($"The connection to Redis at {_link.Endpoint} was lost: {e.Message}", e),
            };
        }
    }

    private void Render(RedisCommand command)
    {
        if (!IsOpen)
        {
            throw new RedisUnavailableException("The dedicated connection is closed; open another.");
        }

        var arguments = command.Take();
        _output.ResetWrittenCount();
        RespWriter.Command(_output, arguments);
        arguments.Release();
    }

    private static RedisServerException ServerError(RedisReply reply)
    {
        var text = reply.AsString();
        return new RedisServerException(RedisErrorCode.Of(text, fromScript: false), text);
    }
}
