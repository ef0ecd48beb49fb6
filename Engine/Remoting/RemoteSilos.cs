using System.Collections.Concurrent;

namespace Gristmill.Engine;

/// <summary>
/// The ways to the other members, and the messages that go over them. Calls of other silos that run here are known by
/// where they came from, so that word of their cancellation finds them.
/// </summary>
internal sealed class RemoteSilos : IDisposable
{
    /// <summary>The most messages that wait in an inbox: more than all other silos together send before they wait for answers.</summary>
    public const int MaxInbox = 100_000;

    /// <summary>How often calls whose time is up are looked for.</summary>
    private static readonly TimeSpan CheckPeriod = TimeSpan.FromMilliseconds(250);

    private readonly GrainEngine _engine;
    private readonly CallCodec _codec;
    private readonly ConcurrentDictionary<string, RemoteSilo> _silos = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Sender, long Correlation), CallCancellation> _cancellable = new();
    private readonly ITimer _timer;
    private long _correlation;

    public RemoteSilos(GrainEngine engine, IMessageChannel channel, CallCodec codec)
    {
        (_engine, Channel, _codec) = (engine, channel, codec);
        using var flow = SuppressedFlow.Begin();
        _timer = engine.Time.CreateTimer(static state => ((RemoteSilos)state!).Expire(), this, CheckPeriod, CheckPeriod);
    }

    public IMessageChannel Channel { get; }

    public int InFlight => _silos.Values.Sum(silo => silo.InFlight);

    /// <summary>Waits until all that may be sent now has been.</summary>
    public Task FlushAsync(CancellationToken cancellationToken) => Task.WhenAll(_silos.Values.Select(silo => silo.FlushAsync(cancellationToken)));

    private string Me => _engine.Silo.Id;

    public RemoteSilo Of(string member) =>
        _silos.TryGetValue(member, out var known) ? known : _silos.GetOrAdd(member, id => new RemoteSilo(id, this, _engine));

    /// <summary>The way to a member, if there is one.</summary>
    public RemoteSilo? Find(string member) => _silos.GetValueOrDefault(member);

    /// <summary>A member is gone: its calls end, those that were never sent go another way.</summary>
    /// <param name="member">The member's id.</param>
    /// <param name="why">For people: who is gone.</param>
    /// <param name="grace">How long answers may still come.</param>
    public void Gone(string member, string why, TimeSpan grace = default)
    {
        if (grace > TimeSpan.Zero)
        {
            if (Find(member) is { } leaving && leaving.TryLeave())
                _ = GoneLaterAsync(member, why, grace);
        }
        else if (_silos.TryRemove(member, out var silo))
        {
            silo.End(why);
        }
    }

    /// <summary>This silo's generation is over: no answer finds it.</summary>
    public void EndAll(string why)
    {
        foreach (var member in _silos.Keys)
            Gone(member, why);
        _cancellable.Clear();
    }

    public long NextCorrelation() => Interlocked.Increment(ref _correlation);

    public byte[] EncodeCall(long correlation, Call call) =>
        Encode(new Message(Message.NewestVersion, MessageKind.Call, correlation, Me, Call: _codec.ToMessage(call), Cancellable: call.Cancellation is not null));

    public byte[] EncodeCancel(long correlation) => Encode(new Message(Message.NewestVersion, MessageKind.Cancel, correlation, Me));

    public byte[] EncodeWake() => Encode(new Message(Message.NewestVersion, MessageKind.Wake, 0, Me));

    /// <summary>Sends the outcome of a call back; one that is too large for a message becomes the error that says so.</summary>
    public void Answer((string Sender, long Correlation) origin, ReplyMessage reply)
    {
        byte[] message;
        try
        {
            message = Encode(new Message(Message.NewestVersion, MessageKind.Reply, origin.Correlation, Me, Reply: reply));
        }
        catch (GristmillException tooLarge)
        {
            var instead = new ReplyMessage(null, tooLarge.Kind, tooLarge.TypeName, tooLarge.Message, false);
            message = Encode(new Message(Message.NewestVersion, MessageKind.Reply, origin.Correlation, Me, Reply: instead));
        }

        Of(origin.Sender).Answer(message);
    }

    public void AnswerMoved((string Sender, long Correlation) origin, string? holder) =>
        Of(origin.Sender).Answer(Encode(new Message(Message.NewestVersion, MessageKind.Moved, origin.Correlation, Me, Holder: holder)));

    /// <summary>A call came that its caller may cancel.</summary>
    public void Remember((string Sender, long Correlation) origin, CallCancellation cancellation) => _cancellable[origin] = cancellation;

    public void Forget((string Sender, long Correlation) origin) => _cancellable.TryRemove(origin, out _);

    public void Cancel((string Sender, long Correlation) origin)
    {
        if (_cancellable.TryRemove(origin, out var cancellation))
            cancellation.Request();
    }

    public void Dispose()
    {
        _timer.Dispose();
        EndAll("The silo has stopped.");
    }

    private async Task GoneLaterAsync(string member, string why, TimeSpan grace)
    {
        await Task.Delay(grace, _engine.Time).ConfigureAwait(false);
        Gone(member, why);
    }

    private byte[] Encode(Message message) => _engine.Serializer.Write(message);

    private void Expire()
    {
        var now = _engine.Time.GetTimestamp();
        foreach (var silo in _silos.Values)
            silo.Expire(now);
    }
}
