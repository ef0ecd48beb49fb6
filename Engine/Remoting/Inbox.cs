namespace Gristmill.Engine;

/// <summary>
/// What other silos send to this one: a loop that waits at the inbox of the current generation and hands each message on,
/// without waiting for what becomes of it.
/// Called by: <see cref="Cluster"/>. Steps: open the inbox (again, with a pause, when the way to it is lost) → receive → a call
/// goes to the router, an answer to the call that waits for it, a cancellation to the call that runs.
/// </summary>
internal sealed class Inbox(GrainEngine engine, RemoteSilos silos, CallCodec codec) : IAsyncDisposable
{
    private bool _failing;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private CancellationTokenSource _generation = new();
    private Task _loop = Task.CompletedTask;
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _ending;

    public void Start()
    {
        using var flow = SuppressedFlow.Begin();
        _loop = Task.Run(RunAsync);
    }

    /// <summary>There is a new generation with an inbox of its own; what waits in the old one is for nobody.</summary>
    public void Switch()
    {
        lock (_gate)
        {
            _generation.Cancel();
            _generation = new();
        }
    }

    /// <summary>The silo is about to leave: wakes the loop from its wait, which nobody could end afterwards.</summary>
    public async Task BeginEndAsync(CancellationToken cancellationToken)
    {
        _ending = true;

        // Who is no member gets no message, not even its own; but then no other is under way that the wait could lose.
        if (await silos.Channel.SendAsync(engine.Silo.Id, [silos.EncodeWake()], RemoteSilos.MaxInbox, cancellationToken).ConfigureAwait(false) == SendStatus.NotMember)
            Switch();
    }

    /// <summary>Nobody sends any more: takes what is still there and ends.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        _left.TrySetResult();
        await _loop.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested && !(_ending && _left.Task.IsCompleted))
        {
            CancellationToken generation;
            string member;
            lock (_gate)
            {
                (generation, member) = (_generation.Token, engine.Silo.Id);
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, generation);
            try
            {
                await ReceiveAsync(member, either.Token).ConfigureAwait(false);
            }
            catch (Exception lost) when (!_stop.IsCancellationRequested)
            {
                if (generation.IsCancellationRequested)
                    continue;
                if (!_failing)
                    engine.Log.InboxLost(lost.Message);
                _failing = true;
                await Task.Delay(RetryDelay, engine.Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task ReceiveAsync(string member, CancellationToken cancellationToken)
    {
        await using var inbox = await silos.Channel.OpenAsync(member, cancellationToken).ConfigureAwait(false);
        while (!_ending)
        {
            var messages = await inbox.ReceiveAsync(cancellationToken).ConfigureAwait(false);
            _failing = false;
            foreach (var message in messages)
                Take(message);
        }

        await _left.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ReadOnlyMemory<byte>> rest;
        while ((rest = await inbox.TakeAsync(cancellationToken).ConfigureAwait(false)).Count > 0)
        {
            foreach (var message in rest)
                Take(message);
        }
    }

    private void Take(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var message = engine.Serializer.Read<Message>(bytes.Span);
            if (message is { Sender.Length: > 0, Version: >= Message.OldestVersion and <= Message.NewestVersion })
                Take(message);
            else
                engine.Log.MessageUnread($"it is of version {message.Version} from '{message.Sender}'");
        }
        catch (Exception malformed)
        {
            // One bad message must not keep the others from being read.
            engine.Log.MessageUnread(malformed.Message);
        }
    }

    private void Take(Message message)
    {
        switch (message)
        {
            case { Kind: MessageKind.Call, Call: { } call }:
                TakeCall(message, call);
                break;
            case { Kind: MessageKind.Reply, Reply: { } reply }:
                if (silos.Find(message.Sender)?.TakeAnswered(message.Correlation) is { } answered)
                    answered.Call.Reply(CallCodec.FromMessage(answered.Call.Method, reply));
                break;
            case { Kind: MessageKind.Moved }:
                if (silos.Find(message.Sender)?.TakeAnswered(message.Correlation) is { } moved)
                    engine.Router.Moved(moved.Call, message.Holder);
                break;
            case { Kind: MessageKind.Cancel }:
                silos.Cancel((message.Sender, message.Correlation));
                break;
            default:
                // Of a kind that a later version has: nothing to do with it.
                break;
        }
    }

    private void TakeCall(Message message, CallMessage sent)
    {
        // Past its deadline this silo may have been counted out, and the callers told so: what they sent must not run now.
        if (engine.Cluster!.Membership.IsOverdue)
        {
            engine.Log.MessageUnread("this silo is cut off from its cluster");
            if (message.Correlation != 0)
                silos.AnswerMoved((message.Sender, message.Correlation), holder: null);
            return;
        }

        try
        {
            var method = codec.MethodOf(sent);
            var reply = message.Correlation == 0 ? null : new RemoteReply(silos, message.Sender, message.Correlation, method);
            var call = codec.FromMessage(sent, method, reply);
            if (message.Cancellable && reply is not null && method.TokenIndex >= 0)
                silos.Remember(reply.Origin, call.MakeCancellable());

            engine.Router.Receive(call);
        }
        catch (GristmillException refused)
        {
            if (message.Correlation != 0)
                silos.Answer((message.Sender, message.Correlation), new ReplyMessage(null, refused.Kind, refused.TypeName, refused.Message, false));
            else
                engine.Log.MessageUnread(refused.Message);
        }
    }
}
