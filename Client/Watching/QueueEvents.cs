using Gristmill.Redis;

namespace Gristmill.Client;

/// <summary>
/// Tells the watchers of one queue what its events channel says. One subscription and one timer for all of them, from the
/// first watcher to the last. A gap in the subscription, and the timer as a net below it, wake every watcher to read its job
/// anew; a watcher keeps only what is newest, so nothing here grows.
/// </summary>
internal sealed class QueueEvents(ClientContext context, string channel) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<long, List<JobSignal>> _signals = [];
    private Listening? _listening;
    private bool _disposed;

    private ClientContext Context => context;

    private IRedisClient Redis => context.Redis;

    private string Channel => channel;

    /// <summary>Adds a watcher; returns when events reach it.</summary>
    /// <exception cref="RedisException">The channel could not be subscribed to.</exception>
    public async Task AddAsync(JobSignal signal, CancellationToken cancellationToken)
    {
        Listening listening;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(GristmillClient));
            if (!_signals.TryGetValue(signal.Seq, out var list)) _signals[signal.Seq] = list = [];
            list.Add(signal);
            listening = _listening ??= new Listening(this);
        }

        try
        {
            await listening.Ready.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await RemoveAsync(signal).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes a watcher out; with the last one the subscription ends.</summary>
    public async ValueTask RemoveAsync(JobSignal signal)
    {
        Listening? last = null;
        lock (_gate)
        {
            if (_signals.TryGetValue(signal.Seq, out var list) && list.Remove(signal) && list.Count == 0) _signals.Remove(signal.Seq);
            if (_signals.Count == 0) (last, _listening) = (_listening, null);
        }

        if (last is not null) await last.StopAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        Listening? last;
        lock (_gate)
        {
            _disposed = true;
            foreach (var signal in _signals.Values.SelectMany(l => l)) signal.End();
            _signals.Clear();
            (last, _listening) = (_listening, null);
        }

        if (last is not null) await last.StopAsync().ConfigureAwait(false);
    }

    private void WakeAll()
    {
        lock (_gate)
        {
            foreach (var list in _signals.Values)
            {
                foreach (var signal in list) signal.Changed();
            }
        }
    }

    private void Deliver(ReadOnlySpan<byte> payload)
    {
        var message = QueueEventMessage.Parse(payload);
        if (message.IsProgress)
        {
            if (message.ReadProgress() is { } told) Each(told.Seq, s => s.Progressed(told.Progress));
            return;
        }

        var isOutcome = message.IsOutcome;
        foreach (var (first, last) in message) Wake(first, last, isOutcome);
    }

    private void Wake(long first, long last, bool isOutcome)
    {
        if (first == last)
        {
            Each(first, s => s.Changed(isOutcome));
            return;
        }

        lock (_gate)
        {
            // Whichever is shorter: a range may be wide, and the watchers many.
            foreach (var (seq, list) in _signals)
            {
                if (seq < first || seq > last) continue;
                foreach (var signal in list) signal.Changed(isOutcome);
            }
        }
    }

    private void Each(long seq, Action<JobSignal> tell)
    {
        lock (_gate)
        {
            if (!_signals.TryGetValue(seq, out var list)) return;
            foreach (var signal in list) tell(signal);
        }
    }

    // A failed subscription is forgotten, so that the next watcher begins a new one.
    private void Forget(Listening listening)
    {
        lock (_gate)
        {
            if (_listening == listening) _listening = null;
        }
    }

    /// <summary>One life of the subscription.</summary>
    private sealed class Listening
    {
        private readonly QueueEvents _owner;
        private readonly CancellationTokenSource _stop = new();
        private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Task _run;

        public Listening(QueueEvents owner)
        {
            _owner = owner;
            _run = Task.Run(RunAsync);
        }

        public Task Ready => _ready.Task;

        public async Task StopAsync()
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            await _run.ConfigureAwait(false);
            _stop.Dispose();
        }

        private async Task RunAsync()
        {
            try
            {
                var subscription = await _owner.Redis.SubscribeAsync(_owner.Channel, _stop.Token).ConfigureAwait(false);
                await using (subscription.ConfigureAwait(false))
                {
                    _ready.TrySetResult();
                    await Task.WhenAll(ListenAsync(subscription), PollAsync()).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                _ready.TrySetCanceled(_stop.Token);
            }
            catch (RedisException e)
            {
                _owner.Forget(this);
                _ready.TrySetException(e);
            }
        }

        private async Task ListenAsync(RedisSubscription subscription)
        {
            await foreach (var message in subscription.ReadAllAsync(_stop.Token).ConfigureAwait(false))
            {
                if (message.Kind == RedisMessageKind.Gap) _owner.WakeAll();
                else _owner.Deliver(message.Payload.Span);
            }
        }

        private async Task PollAsync()
        {
            using var timer = new PeriodicTimer(_owner.Context.Options.PollInterval, _owner.Context.Clock);
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false)) _owner.WakeAll();
        }
    }
}
