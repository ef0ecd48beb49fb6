using Gristmill.Redis;

namespace Gristmill.Engine;

/// <summary>
/// The way to one other member: what waits to be sent to it, and the calls that it has not answered.
/// Called by: <see cref="Router"/> (<see cref="Send"/>), <see cref="RemoteSilos"/> for everything else.
/// Steps of a call: it waits in line; it is sent when it is among the first and fewer than the bounds are in flight, together
/// with what else waits, one batch at a time; it ends with the answer, its deadline, its caller's cancellation, or the member.
/// Guarantees: a message is sent once, and never again when it may have arrived; calls keep their order; a call that certainly
/// did not arrive goes another way; answers are not held up by the bounds on calls.
/// </summary>
internal sealed class RemoteSilo(string member, RemoteSilos silos, GrainEngine engine)
{
    /// <summary>How long answers wait before they are tried again when Redis is away.</summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly Queue<RemoteCall> _calls = new();
    private readonly Queue<byte[]> _answers = new();
    private readonly Dictionary<long, RemoteCall> _unanswered = [];
    private long _bytes;
    private Task _pump = Task.CompletedTask;
    private bool _sending;
    private bool _gone;
    private bool _leaving;

    public string Member => member;


    private bool IsLeaving
    {
        get
        {
            lock (_gate)
            {
                return _leaving;
            }
        }
    }

    /// <summary>How many calls were sent and have no answer.</summary>
    public int InFlight
    {
        get
        {
            lock (_gate)
            {
                return _unanswered.Count;
            }
        }
    }

    /// <summary>Puts a call in line. What is wrong with it is answered here.</summary>
    public void Send(Call call)
    {
        if (Prepare(call) is not { } remote)
            return;
        if (call.Cancellation is { } cancellation && !cancellation.TryLeave(() => Cancel(remote)))
        {
            engine.Catalog.Refuse(call, Outcome.Failed(new OperationCanceledException()));
            return;
        }

        bool gone;
        bool full;
        lock (_gate)
        {
            gone = _gone;
            full = _calls.Count >= engine.Options.MaxCallsWaitingPerSilo;
            if (!gone && !full)
                _calls.Enqueue(remote);
        }

        if (full)
            engine.Catalog.Refuse(call, Outcome.Overloaded($"{engine.Options.MaxCallsWaitingPerSilo} calls wait to be sent to {member}, the most that may ({nameof(GrainEngineOptions.MaxCallsWaitingPerSilo)}); {call.Method} on {call.Target} did not run."));
        else if (gone)
            engine.Router.Moved(call, holder: null);
        else
            Pump();
    }

    /// <summary>Sends an answer, or word of a call that was given up: not held up by the bounds on calls.</summary>
    public void Answer(byte[] message)
    {
        lock (_gate)
        {
            // As many as calls that the other side may have under way here; beyond that it has given them up long ago.
            if (_gone || _answers.Count >= engine.Options.MaxCallsWaitingPerSilo)
                return;
            _answers.Enqueue(message);
        }

        Pump();
    }

    /// <summary>Takes the call that an answer belongs to; null when it has ended already.</summary>
    public RemoteCall? TakeAnswered(long correlation)
    {
        RemoteCall? call;
        lock (_gate)
        {
            if (!_unanswered.TryGetValue(correlation, out call))
                return null;
            End(call);
        }

        EngineTelemetry.RemoteCallEnded(engine.Time.GetElapsedTime(call.Since));
        Pump();
        return call;
    }

    /// <summary>Lets go of the calls whose callers have given up by now.</summary>
    public void Expire(long now)
    {
        var late = new List<RemoteCall>();
        lock (_gate)
        {
            foreach (var call in _unanswered.Values.Where(c => c.Call.Deadline <= now && c.Stage == RemoteCall.Stages.Sent).ToList())
                End(call);
            while (_calls.TryPeek(out var first) && (first.Stage == RemoteCall.Stages.Done || first.Call.Deadline <= now))
            {
                if (first.Stage == RemoteCall.Stages.Waiting)
                    late.Add(first);
                End(_calls.Dequeue());
            }
        }

        foreach (var call in late)
            engine.Catalog.Refuse(call.Call, Outcome.Unavailable($"{call.Call.Method} on {call.Call.Target} was not sent before its deadline."));
        Pump();
    }

    /// <summary>The member has left and still answers what was sent to it; nothing more is sent. False when it is gone already.</summary>
    public bool TryLeave()
    {
        List<RemoteCall> unsent;
        lock (_gate)
        {
            if (_gone)
                return false;
            _gone = _leaving = true;
            unsent = TakeUnsent();
        }

        foreach (var call in unsent)
            engine.Router.Moved(call.Call, holder: null);
        return true;
    }

    /// <summary>The member is gone, or this silo is: nothing that was sent is answered any more.</summary>
    /// <param name="why">For people: who is gone.</param>
    public void End(string why)
    {
        List<RemoteCall> unanswered;
        List<RemoteCall> unsent;
        lock (_gate)
        {
            (_gone, _leaving) = (true, false);
            unanswered = [.. _unanswered.Values.Where(c => c.Stage == RemoteCall.Stages.Sent)];
            unanswered.ForEach(End);
            unsent = TakeUnsent();
        }

        foreach (var call in unanswered)
            engine.Catalog.Refuse(call.Call, Outcome.Unavailable($"{why} Whether {call.Call.Method} on {call.Call.Target} ran is unknown."));
        foreach (var call in unsent)
            engine.Router.Moved(call.Call, holder: null);
    }

    /// <summary>Waits until all that may be sent now has been.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task pump;
            lock (_gate)
            {
                if (!_sending)
                    return;
                pump = _pump;
            }

            await pump.WaitAsync(cancellationToken).ConfigureAwait(false);
            await Task.Yield();
        }
    }

    private RemoteCall? Prepare(Call call)
    {
        try
        {
            var correlation = call.ReplyTo is null ? 0 : silos.NextCorrelation();
            return new RemoteCall(correlation, call, silos.EncodeCall(correlation, call), engine.Time.GetTimestamp());
        }
        catch (Exception refused) when (refused is GristmillException or NotSupportedException or System.Text.Json.JsonException)
        {
            engine.Catalog.Refuse(call, Outcome.Failed(refused));
            return null;
        }
    }

    private void Cancel(RemoteCall call)
    {
        lock (_gate)
        {
            var sent = call.Stage is RemoteCall.Stages.Sending or RemoteCall.Stages.Sent;
            End(call);
            if (!sent)
                return;
        }

        Answer(silos.EncodeCancel(call.Correlation));
        Pump();
    }

    // Within the lock.
    private List<RemoteCall> TakeUnsent()
    {
        var unsent = _calls.Where(c => c.Stage == RemoteCall.Stages.Waiting).ToList();
        unsent.ForEach(End);
        _calls.Clear();
        _answers.Clear();
        return unsent;
    }

    // Within the lock.
    private void End(RemoteCall call)
    {
        call.Stage = RemoteCall.Stages.Done;
        if (!_unanswered.Remove(call.Correlation))
            return;
        _bytes -= call.Message.Length;
        EngineTelemetry.RemoteCallsInFlight.Add(-1);
    }

    private void Pump()
    {
        lock (_gate)
        {
            if (_sending || (_answers.Count == 0 && _calls.Count == 0))
                return;
            _sending = true;
        }

        using var flow = SuppressedFlow.Begin();
        var pump = PumpAsync();
        lock (_gate)
        {
            _pump = pump;
        }
    }

    private async Task PumpAsync()
    {
        while (TakeBatch() is { } batch)
        {
            try
            {
                var status = await silos.Channel.SendAsync(member, batch.Messages, RemoteSilos.MaxInbox, CancellationToken.None).ConfigureAwait(false);
                await SettleAsync(batch, status).ConfigureAwait(false);
            }
            catch (Exception failure)
            {
                await FailAsync(batch, failure).ConfigureAwait(false);
            }
        }
    }

    private MessageBatch? TakeBatch()
    {
        var batch = new MessageBatch();
        lock (_gate)
        {
            while (batch.HasRoom && _answers.TryDequeue(out var answer))
                batch.Add(answer);
            batch.Answers = batch.Messages.Count;
            while (batch.HasRoom && _calls.TryPeek(out var call) && (call.Stage == RemoteCall.Stages.Done || MayBeInFlight(call)))
            {
                _calls.Dequeue();
                if (call.Stage == RemoteCall.Stages.Done)
                    continue;
                call.Stage = RemoteCall.Stages.Sending;
                batch.Add(call.Message);
                batch.Calls.Add(call);
                if (!call.WantsAnswer)
                    continue;
                _unanswered.Add(call.Correlation, call);
                _bytes += call.Message.Length;
                EngineTelemetry.RemoteCallsInFlight.Add(1);
            }

            _sending = batch.Messages.Count > 0;
            return _sending ? batch : null;
        }
    }

    private bool MayBeInFlight(RemoteCall call) => !call.WantsAnswer || _unanswered.Count == 0
        || (_unanswered.Count < engine.Options.MaxCallsInFlightPerSilo && _bytes + call.Message.Length <= engine.Options.MaxCallBytesInFlightPerSilo);

    private async Task SettleAsync(MessageBatch batch, SendStatus status)
    {
        switch (status)
        {
            case SendStatus.Sent:
                if (!TryMarkSent(batch))
                    Refuse(batch.Calls, call => Outcome.Unavailable($"{member} is gone. Whether {call.Method} on {call.Target} ran is unknown."));
                return;
            case SendStatus.Full:
                Refuse(batch.Calls, call => Outcome.Overloaded($"The inbox of {member} is full; {call.Method} on {call.Target} did not run."));

                // Answers make room at the other side, so they may go a little further.
                if (batch.Answers > 0)
                    await silos.Channel.SendAsync(member, batch.Messages.GetRange(0, batch.Answers), 2 * RemoteSilos.MaxInbox, CancellationToken.None).ConfigureAwait(false);
                return;
            default:
                engine.Log.NoSuchMember(member, batch.Calls.Count, batch.Answers);
                await engine.Cluster!.Membership.RefreshAsync().ConfigureAwait(false);
                if (!IsLeaving)
                    silos.Gone(member, $"{member} is no member of the cluster any more.");
                foreach (var call in TakeOver(batch.Calls))
                    engine.Router.Moved(call, holder: null);
                return;
        }
    }

    private async Task FailAsync(MessageBatch batch, Exception failure)
    {
        var unsent = failure is RedisException { MayHaveExecuted: false };
        Refuse(batch.Calls, call => Outcome.Unavailable(unsent
            ? $"{call.Method} on {call.Target} did not run: it could not be sent to {member}: {failure.Message}"
            : $"Whether {call.Method} on {call.Target} was sent to {member} and ran is unknown: {failure.Message}"));
        if (batch.Answers == 0)
            return;
        if (!unsent)
        {
            engine.Log.AnswersLost(batch.Answers, member, failure.Message);
            return;
        }

        lock (_gate)
        {
            var later = _answers.ToList();
            _answers.Clear();
            if (!_gone)
                batch.Messages.Take(batch.Answers).Concat(later).Take(engine.Options.MaxCallsWaitingPerSilo).ToList().ForEach(_answers.Enqueue);
        }

        await Task.Delay(RetryDelay, engine.Time).ConfigureAwait(false);
    }

    // False when the member went meanwhile: then nobody else ends these calls.
    private bool TryMarkSent(MessageBatch batch)
    {
        lock (_gate)
        {
            if (_gone && !_leaving)
                return false;
            foreach (var call in batch.Calls.Where(c => c.Stage == RemoteCall.Stages.Sending))
                call.Stage = RemoteCall.Stages.Sent;
            return true;
        }
    }

    private void Refuse(List<RemoteCall> calls, Func<Call, Outcome> outcome)
    {
        foreach (var call in TakeOver(calls))
            engine.Catalog.Refuse(call, outcome(call));
    }

    private List<Call> TakeOver(List<RemoteCall> calls)
    {
        lock (_gate)
        {
            var taken = calls.Where(c => c.Stage == RemoteCall.Stages.Sending).ToList();
            taken.ForEach(End);
            return taken.ConvertAll(c => c.Call);
        }
    }
}
