using System.Buffers;
using Microsoft.Extensions.Logging;

namespace Gristmill.Redis;

/// <summary>
/// The shared connection: keeps a link open, and moves commands out and replies in.
/// Called by: <see cref="ClientCore"/>.
/// Steps: connect (with backoff) → a writer that gathers what waits into one write, and a reader that gives each reply to the
/// oldest command in flight → when either ends, both end, what was in flight is failed as lost, and it connects again.
/// A timer answers callers whose time is over and cuts a connection that is stuck.
/// </summary>
internal sealed partial class MultiplexedConnection : IAsyncDisposable
{
    /// <summary>A larger write buffer than this is given up after use.</summary>
    private const int KeptBufferBytes = 4 << 20;

    private readonly RedisConnector _connector;
    private readonly ConnectionStatus _status;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly Backoff _backoff;
    private readonly RepeatedFailure _failures;
    private readonly CommandQueue _queue;
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _sweeper;
    private readonly Task _loop;
    private RedisLink? _link;

    public MultiplexedConnection(RedisConnector connector, ConnectionStatus status, ILogger log, TimeProvider time, Random random)
    {
        var options = connector.Options;
        _connector = connector;
        _status = status;
        _log = log;
        _time = time;
        _backoff = new Backoff(options.BackoffMin, options.BackoffMax, random);
        _failures = new RepeatedFailure(time);
        _queue = new CommandQueue(options, time, Unavailable);

        // Late answers to time limits by an eighth at most, and by no more than a quarter of a second.
        var period = TimeSpan.FromMilliseconds(Math.Clamp(options.CommandTimeout.TotalMilliseconds / 8, 5, 250));
        _sweeper = time.CreateTimer(static s => ((MultiplexedConnection)s!).Sweep(), this, period, period);
        _loop = Task.Run(RunAsync);
    }

    private RedisOptions Options => _connector.Options;

    private string Place => RedisUrl.Endpoint(Options.Host, Options.Port);

    /// <summary>Issues a command. Synchronous up to its place in the line.</summary>
    public Task<RedisReply> Send(
        string name, ArgumentBuffer arguments, RedisScript? script, int keys, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            arguments.Release();
            return Task.FromCanceled<RedisReply>(cancellationToken);
        }

        var ticks = (timeout ?? Options.CommandTimeout).TotalSeconds * _time.TimestampFrequency;
        var command = new PendingCommand(name, arguments, script, keys, _time.GetTimestamp() + (long)ticks);
        if (_queue.Enqueue(command) is { } refusal)
        {
            arguments.Release();
            return Task.FromException<RedisReply>(refusal);
        }

        if (cancellationToken.CanBeCanceled)
        {
            command.Cancellation = cancellationToken.UnsafeRegister((c, token) => _queue.Cancel((PendingCommand)c!, token), command);
            if (command.Task.IsCompleted)
            {
                command.Cancellation.Unregister();
            }
        }

        return command.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Close(new RedisUnavailableException("The client is closed."));
        await _stop.CancelAsync().ConfigureAwait(false);
        _link?.Dispose();
        await _sweeper.DisposeAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var link = await _connector.OpenAsync(_stop.Token).ConfigureAwait(false);
                await ServeAsync(link).ConfigureAwait(false);
            }
            catch (RedisUnavailableException e)
            {
                ConnectFailed(e);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }

            await PauseAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Lives as long as the link does.</summary>
    private async Task ServeAsync(RedisLink link)
    {
        var since = _time.GetTimestamp();
        _link = link;
        _queue.LinkUp();
        _status.Connected(link.Server);
        _failures.Succeeded();
        LogConnected(link.Endpoint.ToString(), link.Server.ToString(), link.Server.Protocol);

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        Task[] halves = [WriteAsync(link, ended.Token), ReadAsync(link, ended.Token)];
        var first = await Task.WhenAny(halves).ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        link.Dispose();
        await Task.WhenAll(halves).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _link = null;

        var cause = first.Exception?.InnerException ?? new IOException("The client closed the connection.");
        var lost = new RedisConnectionLostException($"The connection to Redis at {link.Endpoint} was lost: {cause.Message}", cause);
        _status.Disconnected(lost);
        _queue.LinkDown(() => new RedisConnectionLostException(lost.Message, cause));
        if (!_stop.IsCancellationRequested)
        {
            LogLost(link.Endpoint.ToString(), cause.Message);
        }

        // Only a connection that held for a while ends the growth of the waits: a server that accepts and hangs up is no better
        // than one that refuses.
        if (_time.GetElapsedTime(since) >= Options.BackoffMax)
        {
            _backoff.Reset();
        }
    }

    private async Task WriteAsync(RedisLink link, CancellationToken cancellationToken)
    {
        var batch = new List<PendingCommand>();
        var output = new ArrayBufferWriter<byte>(16 << 10);
        while (true)
        {
            while (_queue.TakeBatch(batch))
            {
                _queue.Render(batch, output);
                await link.WriteAsync(output.WrittenMemory, cancellationToken).ConfigureAwait(false);
                output = output.Capacity > KeptBufferBytes ? new ArrayBufferWriter<byte>(16 << 10) : output;
                output.ResetWrittenCount();
            }

            await _queue.WaitForWorkAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ReadAsync(RedisLink link, CancellationToken cancellationToken)
    {
        while (true)
        {
            while (link.TryRead(out var reply))
            {
                if (reply.Kind == RedisReplyKind.Push)
                {
                    continue;
                }

                switch (_queue.Answer(reply))
                {
                    case Drained.ScriptsLost:
                        LogScriptsLost(link.Endpoint.ToString());
                        break;
                    case Drained.ReadOnly:
                        throw new IOException("READONLY: the server is a replica now.");
                }
            }

            await link.FillAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void Sweep()
    {
        if (_queue.Sweep() && _link is { } link)
        {
            LogStuck(link.Endpoint.ToString());
            link.Dispose();
        }
    }

    private void ConnectFailed(RedisUnavailableException error)
    {
        _status.Disconnected(error);
        Say(error);
        if (RedisConnector.IsHopeless(error))
        {
            _queue.FailWaiting(() => RedisConnector.Unreachable(Place, error));
        }
    }

    private void Say(RedisUnavailableException error)
    {
        switch (_failures.Failed(error.Message))
        {
            case FailureNews.New:
                LogConnectFailed(RedisAdvice.Sentence(error.Message), RedisAdvice.Of(error));
                break;
            case FailureNews.Still:
                LogStillNoConnection(_failures.Count, _failures.Lasted.TotalSeconds, error.Message);
                break;
        }
    }

    private async Task PauseAsync()
    {
        try
        {
            await Task.Delay(_backoff.Next(), _time, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Closing.
        }
    }

    private RedisException Unavailable() => _status.Current.IsConnected
        ? new RedisUnavailableException($"The command was not sent: Redis at {Place} takes no more within its time limit.")
        : RedisConnector.Unreachable(Place, _status.LastError);
}
