namespace Gristmill.Engine;

/// <summary>
/// The calls of this silo that wait for an answer. Looked through a few times a second for those whose time is up: one
/// timer for all calls, since one for each would cost more than the call. Striped, so that callers rarely meet.
/// </summary>
internal sealed class OutstandingCalls : IDisposable
{
    private static readonly TimeSpan CheckPeriod = TimeSpan.FromMilliseconds(250);

    private readonly TimeProvider _time;
    private readonly Stripe[] _stripes;
    private readonly ITimer _timer;

    public OutstandingCalls(TimeProvider time)
    {
        _time = time;
        _stripes = [.. Enumerable.Range(0, Math.Clamp(Environment.ProcessorCount, 1, 64)).Select(_ => new Stripe())];
        _timer = time.CreateTimer(static state => ((OutstandingCalls)state!).EndExpired(), this, CheckPeriod, CheckPeriod);
    }

    public void Add(PendingCall call) => _stripes[(uint)Environment.CurrentManagedThreadId % (uint)_stripes.Length].Add(call);

    /// <summary>Ends what is still waited for: nobody will answer any more.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        foreach (var call in _stripes.SelectMany(stripe => stripe.Expired(long.MaxValue)))
        {
            call.Reply(Outcome.Unavailable("The silo has stopped; whether the call ran to its end is unknown."));
        }
    }

    private void EndExpired()
    {
        var now = _time.GetTimestamp();
        foreach (var stripe in _stripes)
        {
            foreach (var expired in stripe.Expired(now))
                expired.TimeOut();
        }
    }

    /// <summary>A part of the calls: a linked list through the calls themselves, so that adding and removing allocate nothing.</summary>
    internal sealed class Stripe
    {
        private readonly Lock _gate = new();
        private PendingCall? _first;

        public void Add(PendingCall call)
        {
            lock (_gate)
            {
                call.Stripe = this;
                call.Next = _first;
                if (_first is not null)
                    _first.Previous = call;
                _first = call;
            }
        }

        public void Remove(PendingCall call)
        {
            lock (_gate)
            {
                if (call.Previous is not null)
                    call.Previous.Next = call.Next;
                else if (ReferenceEquals(_first, call))
                    _first = call.Next;
                if (call.Next is not null)
                    call.Next.Previous = call.Previous;
                call.Previous = call.Next = null;
            }
        }

        public List<PendingCall> Expired(long now)
        {
            var expired = new List<PendingCall>();
            lock (_gate)
            {
                for (var call = _first; call is not null; call = call.Next)
                {
                    if (call.Deadline <= now)
                        expired.Add(call);
                }
            }

            return expired;
        }
    }
}
