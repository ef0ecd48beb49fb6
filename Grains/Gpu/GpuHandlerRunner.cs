using Gristmill.Grains.Handlers;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Gpu;

/// <summary>
/// Runs the attempts of a queue whose C# handler needs a device: each under a lease, which the handler sees as
/// <see cref="JobContext.Gpu"/>. The way of a lease: asked for when there is something to claim → kept for the claim, with a
/// slot of its device → an attempt has it until the handler has returned, whatever its time limit says → idle, for the
/// next attempt → given back once another queue needs the memory, the device is put aside, or the silo stops.
/// </summary>
/// <remarks>
/// A lease is kept between attempts, and not taken anew for each, for two reasons: a handler that has loaded its model keeps
/// the device that it is on, and the queue has its turn there as queues with workers have theirs; with a lease for each
/// attempt it would lose its place to them after every job. An idle lease costs nobody anything: it is the first to go.
/// </remarks>
internal sealed class GpuHandlerRunner : IJobRunner
{
    private readonly Lock _gate = new();
    private readonly HandlerRunner _handler;
    private readonly GpuSeat _seat;
    private readonly int _most;
    private readonly ILogger _log;
    private readonly GpuAloneLine _alone;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<GpuLease> _idle = [];
    private readonly List<GpuLease> _held = [];
    private readonly List<GpuRequest> _requests = [];
    private readonly HashSet<GpuLease> _used = [];
    private int _running;

    /// <param name="handler">Calls the handler.</param>
    /// <param name="join">Takes a seat at the silo's devices; called with what to do when something changes there.</param>
    /// <param name="most">Attempts at once, at most.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where it is said that unloading has failed.</param>
    public GpuHandlerRunner(HandlerRunner handler, Func<Action, GpuSeat> join, int most, TimeProvider time, ILogger log)
    {
        _handler = handler;
        _most = most;
        _log = log;
        _seat = join(OnDevicesChanged);
        _alone = new GpuAloneLine(_seat, time);
    }

    public Action? RoomChanged { get; set; }

    /// <inheritdoc/>
    public int? Concurrency
    {
        get
        {
            lock (_gate) return _running + _held.Count + _idle.Count(l => !l.Leaving);
        }
    }

    public string Describe() => _handler.Describe();

    public Task StartAsync(CancellationToken cancellationToken) => _handler.StartAsync(cancellationToken);

    public int Reserve(int executing)
    {
        lock (_gate)
        {
            TakeGranted();
            foreach (var lease in _idle.Where(l => _seat.TryBegin(l)).ToList()) Hold(lease);
            var onTheirWay = executing - _running - _alone.Count;

            // One more, or as many as are known to wait: what is granted and not needed is only idle.
            var wanted = onTheirWay + (int)Math.Clamp(_seat.Demand, 1, _most);
            while (_held.Count + _idle.Count + _requests.Count < wanted && _running + _held.Count + _idle.Count + _requests.Count < _most)
            {
                _requests.Add(_seat.Request());
                if (TakeGranted() == 0) break;
                if (_seat.TryBegin(_idle[^1])) Hold(_idle[^1]);
            }

            return _held.Count - onTheirWay;
        }
    }

    public void Settle(int executing, bool wants)
    {
        lock (_gate)
        {
            var onTheirWay = executing - _running - _alone.Count;
            while (_held.Count > Math.Max(0, onTheirWay))
            {
                var lease = _held.Find(l => l.Leaving) ?? _held[^1];
                _held.Remove(lease);
                _seat.GiveBack(lease);
                _idle.Add(lease);
            }

            if (!wants)
            {
                foreach (var request in _requests) _seat.Withdraw(request);
                _requests.Clear();
                // One that came for a job that another silo had, or that was not there, is kept from nobody.
                foreach (var lease in _idle.Where(l => !_used.Contains(l)).ToList())
                {
                    _idle.Remove(lease);
                    _seat.Release(lease);
                }

                foreach (var lease in _idle) _seat.LeaveSlotLine(lease);
            }
        }

        GiveBackLeaving();
    }

    public void Wanted() => _seat.Wanted();

    public async ValueTask<AttemptResult> RunAsync(JobAttempt attempt, IProgressSink progress, CancellationToken cancellationToken)
    {
        if (attempt.AfterOutOfMemory && !_seat.IsExclusive)
        {
            if (await _alone.AwaitAsync(attempt, progress, cancellationToken).ConfigureAwait(false) is not { } granted) return AttemptResult.Cancelled.Instance;
            Began();
            try
            {
                return await CallAsync(granted, attempt, progress, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                lock (_gate) _running--;
                await ReleaseAsync(granted).ConfigureAwait(false);
            }
        }

        GpuLease? lease;
        lock (_gate)
        {
            lease = _held.Count > 0 ? _held[0] : null;
            if (lease is null)
            {
                // Only where the device is gone that was kept for it: the queue has the job back, at no charge.
                return AttemptResult.Cancelled.Instance;
            }

            _held.RemoveAt(0);
            _running++;
        }

        try
        {
            return await CallAsync(lease, attempt, progress, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _seat.SetIdle(lease);
            lock (_gate)
            {
                _running--;
                _idle.Add(lease);
            }

            GiveBackLeaving();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        lock (_gate)
        {
            foreach (var request in _requests) _seat.Withdraw(request);
            foreach (var lease in _idle.Concat(_held)) _seat.Release(lease);
            _requests.Clear();
            _idle.Clear();
            _held.Clear();
        }

        _seat.Leave();
        await _handler.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<AttemptResult> CallAsync(GpuLease lease, JobAttempt attempt, IProgressSink progress, CancellationToken cancellationToken)
    {
        lock (_gate) _used.Add(lease);
        var result = await _handler.RunAsync(attempt with { Gpu = Describe(lease) }, progress, cancellationToken).ConfigureAwait(false);
        return _seat.Judge(lease, result);
    }

    private void Began()
    {
        lock (_gate) _running++;
    }

    private JobGpu Describe(GpuLease lease) => new(
        lease.Device.Name, lease.Device.Visible, lease.Device.Type, lease.MemoryMiB, lease.Alone || _seat.IsExclusive, used => _seat.Observe(lease, used));

    // Under the lock. Returns how many leases came.
    private int TakeGranted()
    {
        var came = 0;
        foreach (var request in _requests.Where(r => r.Lease is not null).ToList())
        {
            _requests.Remove(request);
            _seat.SetIdle(request.Lease!);
            _idle.Add(request.Lease!);
            came++;
        }

        return came;
    }

    private void Hold(GpuLease lease)
    {
        _idle.Remove(lease);
        _held.Add(lease);
    }

    private void OnDevicesChanged()
    {
        lock (_gate) TakeGranted();
        GiveBackLeaving();
        _alone.Look();
        RoomChanged?.Invoke();
    }

    private void GiveBackLeaving()
    {
        List<GpuLease> leaving;
        lock (_gate)
        {
            leaving = [.. _idle.Where(l => l.Leaving)];
            _idle.RemoveAll(l => l.Leaving);
        }

        foreach (var lease in leaving) _ = ReleaseAsync(lease);
    }

    // What the handler has on the device goes first, where this was the last that it had there.
    private async Task ReleaseAsync(GpuLease lease)
    {
        bool unload;
        lock (_gate)
        {
            unload = _used.Remove(lease) && !_used.Any(l => l.Device.Id == lease.Device.Id);
        }

        if (unload && _handler.Singleton is IGpuResident resident)
        {
            try
            {
                await resident.UnloadAsync(Describe(lease), _stop.Token).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                // Whether the memory is free is not known then; to keep the lease would not make it so.
                _log.UnloadFailed(_seat.Queue, lease.Device.Name, error.Message);
            }
        }

        _seat.Release(lease);
    }
}
