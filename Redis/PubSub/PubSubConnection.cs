using System.Buffers;
using Microsoft.Extensions.Logging;

namespace Gristmill.Redis;

/// <summary>
/// The connection of all subscriptions, opened with the first of them.
/// Called by: <see cref="ClientCore"/> and the subscriptions when they end.
/// Steps: connect (with backoff) → the writer brings what the server is asked for in line with what is wanted, and says PING
/// when it is quiet → the reader hands out messages and confirmations → when either ends, connect again; the confirmations
/// on the new connection become gaps for the readers.
/// </summary>
internal sealed partial class PubSubConnection(RedisConnector connector, ILogger log, TimeProvider time, Random random) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly ILogger _log = log;
    private readonly Dictionary<string, List<RedisSubscription>> _wanted = new(StringComparer.Ordinal);
    private readonly Backoff _backoff = new(connector.Options.BackoffMin, connector.Options.BackoffMax, random);
    private readonly CancellationTokenSource _stop = new();
    private readonly RepeatedFailure _failures = new(time);
    private Asked? _asked;
    private Exception? _lastError;
    private Task? _loop;
    private bool _closed;

    public async ValueTask<RedisSubscription> SubscribeAsync(string channel, CancellationToken cancellationToken)
    {
        var subscription = new RedisSubscription(channel, connector.Options.SubscriptionBuffer, Remove);
        Add(subscription);
        try
        {
            await subscription.Confirmed.WaitAsync(connector.Options.CommandTimeout, time, cancellationToken).ConfigureAwait(false);
            return subscription;
        }
        catch (Exception e)
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
            throw e is TimeoutException
                ? RedisConnector.Unreachable(RedisUrl.Endpoint(connector.Options.Host, connector.Options.Port), _lastError ?? e)
                : e;
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (var subscription in _wanted.Values.SelectMany(s => s))
            {
                subscription.Complete();
            }
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await (_loop ?? Task.CompletedTask).ConfigureAwait(false);
        _stop.Dispose();
    }

    private void Add(RedisSubscription subscription)
    {
        lock (_gate)
        {
            if (_closed)
            {
                throw new RedisUnavailableException("The client is closed.");
            }

            if (!_wanted.TryGetValue(subscription.Channel, out var list))
            {
                _wanted[subscription.Channel] = list = [];
            }

            list.Add(subscription);
            if (_asked?.IsConfirmed(subscription.Channel) == true)
            {
                subscription.OnConfirmed();
            }

            _asked?.Wake();
            _loop ??= Task.Run(RunAsync);
        }
    }

    private void Remove(RedisSubscription subscription)
    {
        lock (_gate)
        {
            if (_wanted.TryGetValue(subscription.Channel, out var list) && list.Remove(subscription) && list.Count == 0)
            {
                _wanted.Remove(subscription.Channel);
                _asked?.Wake();
            }
        }
    }

    private async Task RunAsync()
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    using var link = await connector.OpenAsync(_stop.Token).ConfigureAwait(false);
                    await ServeAsync(link).ConfigureAwait(false);
                }
                catch (RedisUnavailableException e)
                {
                    _lastError = e;
                    Say(e.Message, () => LogConnectFailed(e.Message));
                }

                await Task.Delay(_backoff.Next(), time, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Closing.
        }
    }

    private async Task ServeAsync(RedisLink link)
    {
        var since = time.GetTimestamp();
        using var asked = new Asked(time, connector.Options.KeepAlive);
        lock (_gate)
        {
            _asked = asked;
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        Task[] halves = [WriteAsync(link, asked, ended.Token), ReadAsync(link, asked, ended.Token)];
        var first = await Task.WhenAny(halves).ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        link.Dispose();
        await Task.WhenAll(halves).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate)
        {
            _asked = null;
        }

        if (time.GetElapsedTime(since) >= connector.Options.BackoffMax)
        {
            _backoff.Reset();
            _failures.Succeeded();
        }

        if (first.Exception?.InnerException is { } cause && !_stop.IsCancellationRequested)
        {
            _lastError = cause;
            if (cause is RedisServerException refused)
            {
                Say(refused.Message, () => LogRefused(link.Endpoint.ToString(), RedisAdvice.Sentence(refused.Message), RedisAdvice.Of(refused)));
            }
            else
            {
                LogLost(link.Endpoint.ToString(), cause.Message);
            }
        }
    }

    private void Say(string message, Action first)
    {
        switch (_failures.Failed(message))
        {
            case FailureNews.New:
                first();
                break;
            case FailureNews.Still:
                LogStillFailing(_failures.Count, _failures.Lasted.TotalSeconds, message);
                break;
        }
    }

    private async Task WriteAsync(RedisLink link, Asked asked, CancellationToken cancellationToken)
    {
        var output = new ArrayBufferWriter<byte>();
        while (true)
        {
            output.ResetWrittenCount();
            lock (_gate)
            {
                asked.Align(_wanted.Keys, output);
            }

            if (asked.TakePing(connector.Options))
            {
                Asked.Write(output, "PING");
            }

            if (output.WrittenCount > 0)
            {
                await link.WriteAsync(output.WrittenMemory, cancellationToken).ConfigureAwait(false);
            }

            await asked.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ReadAsync(RedisLink link, Asked asked, CancellationToken cancellationToken)
    {
        while (true)
        {
            while (link.TryRead(out var reply))
            {
                Dispatch(reply, asked);
            }

            await link.FillAsync(cancellationToken).ConfigureAwait(false);
            asked.Heard();
        }
    }

    /// <summary>RESP3 pushes and RESP2 arrays have the same items: kind, channel, payload or count.</summary>
    private void Dispatch(RedisReply reply, Asked asked)
    {
        if (reply.IsError)
        {
            var text = reply.AsString();
            throw new RedisServerException(RedisErrorCode.Of(text, fromScript: false), text);
        }

        if (!reply.IsAggregate || reply.Count < 3)
        {
            return;
        }

        var kind = reply[0].Bytes.Span;
        lock (_gate)
        {
            if (!_wanted.TryGetValue(reply[1].AsStringOrNull() ?? "", out var subscriptions))
            {
                subscriptions = [];
            }

            if (kind.SequenceEqual("message"u8))
            {
                foreach (var subscription in subscriptions)
                {
                    subscription.Deliver(reply[2].Bytes);
                }
            }
            else if (kind.SequenceEqual("subscribe"u8) && asked.Confirm(reply[1].AsString()))
            {
                foreach (var subscription in subscriptions)
                {
                    subscription.OnConfirmed();
                }
            }
        }
    }
}
