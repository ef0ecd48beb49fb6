using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Gristmill.Engine;

/// <summary>What depends on the membership and is told of it. Called one at a time, never at once with another.</summary>
internal interface IMembershipListener
{
    /// <summary>How busy this silo is.</summary>
    MemberLoad Load { get; }

    /// <summary>There is a new snapshot; these members are in it no more, and some of them may have left in order.</summary>
    void Changed(IReadOnlyList<SiloAddress> gone, IReadOnlyList<string> left);

    /// <summary>This generation was counted out: nobody answers to it any more.</summary>
    void Lost(SiloAddress former);

    /// <summary>Registers what is active here for a new generation; ends what others have taken over. Throws when that failed.</summary>
    Task ReregisterAsync(SiloAddress silo, CancellationToken cancellationToken);
}

/// <summary>
/// This silo's membership: a loop that renews it and reads who else is there.
/// Called by: <see cref="Cluster"/>, which starts and ends it; everything that sends or places asks for the snapshot.
/// Steps of a renewal: tell the table; take the deadline from when that was sent, not from when it was answered; publish
/// the snapshot if it is another; purge what former members have left. The loop turns each <see cref="GrainEngineOptions.MembershipRenew"/>,
/// when a change is announced, and when somebody cannot wait (<see cref="RefreshAsync"/>).
/// A generation that was counted out never comes back: the silo takes a new one, joins, registers its activations again, and
/// only then says that it is active.
/// </summary>
internal sealed class Membership : IClusterMembershipService, IAsyncDisposable
{
    /// <summary>How many grains of a former member are purged in one step: a script must stay short.</summary>
    private const int PurgeStep = 500;

    private readonly IMembershipTable _table;
    private readonly GrainEngineOptions _options;
    private readonly MemberRecord _record;
    private readonly IMembershipListener _listener;
    private readonly Func<Guid> _newGeneration;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _firstJoin = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ITimer? _tick;
    private Task _loop = Task.CompletedTask;
    private Task _watch = Task.CompletedTask;
    private Task _purge = Task.CompletedTask;
    private Task _reregister = Task.CompletedTask;
    private volatile Published _published = new(ClusterMembershipSnapshot.Empty);
    private volatile SiloAddress _address;
    private volatile bool _joined;
    private volatile bool _registered = true;
    private volatile bool _draining;
    private readonly MembershipNews _news;
    private TaskCompletionSource? _asked;
    private volatile string? _trouble;
    private SiloAddress? _former;
    private long _renewed;

    public Membership(
        IMembershipTable table, GrainEngineOptions options, MemberRecord record, IMembershipListener listener, Func<Guid> newGeneration,
        TimeProvider time, ILogger log)
    {
        (_table, _options, _record, _listener, _newGeneration, _time, _log) = (table, options, record, listener, newGeneration, time, log);
        _address = new(options.SiloName, newGeneration());
        _news = new(options, time, log);
    }

    public ClusterMembershipSnapshot CurrentSnapshot => _published.Snapshot;

    public IAsyncEnumerable<ClusterMembershipSnapshot> MembershipUpdates => UpdatesAsync();

    public SiloAddress LocalSilo => _address;

    public SiloStatus LocalStatus => _draining ? SiloStatus.ShuttingDown : _joined && _registered ? SiloStatus.Active : SiloStatus.Joining;

    public bool IsCutOff => !_joined || SinceRenewed >= _options.MembershipTtl;

    /// <summary>Whether this silo was a member and has not renewed in time: it may be counted out and not know it.</summary>
    public bool IsOverdue => _joined && IsCutOff;

    /// <summary>Whether this silo has an address that others can answer to.</summary>
    public bool IsMember => _joined;

    public bool IsDraining => _draining;

    public string? Trouble => _trouble;

    private TimeSpan SinceRenewed => _time.GetElapsedTime(Volatile.Read(ref _renewed));

    /// <summary>Completes when the silo has joined for the first time.</summary>
    public Task FirstJoin => _firstJoin.Task;

    public void Start()
    {
        using var _ = SuppressedFlow.Begin();
        _tick = _time.CreateTimer(static state => ((Membership)state!).Tick(), this, _options.MembershipRenew, _options.MembershipRenew);
        _loop = Task.Run(RunAsync);
        _watch = Task.Run(WatchAsync);
    }

    public Task DrainAsync(CancellationToken cancellationToken = default)
    {
        _draining = true;
        return RefreshAsync().WaitAsync(cancellationToken);
    }

    public Task<IReadOnlyList<ClusterMemberState>> ListAsync(CancellationToken cancellationToken = default) => _table.ListAsync(cancellationToken);

    /// <summary>Renews at once. Completes when a renewal that began after this was asked has ended, well or not.</summary>
    public Task RefreshAsync()
    {
        lock (_gate)
        {
            if (_stop.IsCancellationRequested)
                return Task.CompletedTask;
            // The loop may take it at once.
            var asked = _asked ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            Wake();
            return asked.Task;
        }
    }

    /// <summary>Ends the loop and the membership; from here on nobody sends to this silo.</summary>
    public async Task LeaveAsync(CancellationToken cancellationToken)
    {
        _draining = true;
        await EndLoopAsync().ConfigureAwait(false);
        if (_joined)
            await _table.LeaveAsync(_address.Id, cancellationToken).ConfigureAwait(false);
        _joined = false;
        Publish(ClusterMembershipSnapshot.Empty, []);
    }

    public async ValueTask DisposeAsync()
    {
        await EndLoopAsync().ConfigureAwait(false);
        _joined = false;
        _published.Next.TrySetResult(null);
    }

    private async Task EndLoopAsync()
    {
        lock (_gate)
        {
            _stop.Cancel();
            _asked?.TrySetResult();
        }

        _tick?.Dispose();
        foreach (var task in new[] { _loop, _watch, _purge, _reregister })
            await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var asked = Interlocked.Exchange(ref _asked, null);
            try
            {
                await RenewAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (Exception failure) when (!_stop.IsCancellationRequested)
            {
                _trouble = failure.Message;
                _news.Failed(_address, failure.Message);
            }
            catch (OperationCanceledException)
            {
                // The silo stops.
            }

            asked?.TrySetResult();
            await _wake.WaitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>One renewal. The loop makes one at a time; a simulation, which has no threads, makes them itself.</summary>
    internal async Task RenewAsync(CancellationToken cancellationToken)
    {
        var mode = _joined ? RenewMode.Renew : _firstJoin.Task.IsCompleted ? RenewMode.Rejoin : RenewMode.Join;
        var status = _draining ? SiloStatus.ShuttingDown : _registered ? SiloStatus.Active : SiloStatus.Joining;
        var request = new RenewRequest(
            _address.Id, (_record with { Status = status }).Write(), _listener.Load.Write(),
            _options.MembershipTtl, _options.MembershipTtl / 2, mode, CurrentSnapshot.Version);
        var sent = _time.GetTimestamp();
        var reply = await _table.RenewAsync(request, cancellationToken).ConfigureAwait(false);
        _trouble = null;
        Notice();
        if (!reply.IsMember)
        {
            Lose();
            return;
        }

        Renewed(sent);
        _news.Read(reply);
        if (reply.Members is { } members)
            Publish(new ClusterMembershipSnapshot(reply.Version, members), reply.Left);
        if (!_registered && _reregister.IsCompleted)
            _reregister = ReregisterAsync(_address);
        if (reply.Dead.Count > 0 && _purge.IsCompleted)
            _purge = PurgeAsync(reply.Dead);

        // An answer that took long is no new lease of the same length.
        if (_time.GetElapsedTime(sent) > _options.MembershipRenew)
            Wake();
    }

    private void Renewed(long sent)
    {
        _news.Renewed(_address, SinceRenewed, _joined, _firstJoin.Task.IsCompleted ? _former : null);
        Volatile.Write(ref _renewed, sent);
        _joined = true;
        _firstJoin.TrySetResult();
    }

    private void Lose()
    {
        var former = _address;
        _former = former;
        _joined = false;
        _registered = false;
        _address = new(former.Name, _newGeneration());
        _log.CountedOut(former, _listener.Load.CallsInFlight, _address);
        _listener.Lost(former);
        Wake();
    }

    // In the background: renewals go on while it takes its time. When it fails, the next renewal tries again.
    private async Task ReregisterAsync(SiloAddress silo)
    {
        try
        {
            await _listener.ReregisterAsync(silo, _stop.Token).ConfigureAwait(false);
            if (_address == silo)
                _registered = true;
            Wake();
        }
        catch (Exception failure)
        {
            if (!_stop.IsCancellationRequested)
                _log.ReregisterFailed(silo, failure.Message);
        }
    }

    private async Task PurgeAsync(IReadOnlyList<string> dead)
    {
        try
        {
            foreach (var former in dead)
            {
                while (await _table.PurgeAsync(former, PurgeStep, _stop.Token).ConfigureAwait(false) > 0)
                {
                    // Step by step, so that no script takes long.
                }
            }
        }
        catch (Exception failure)
        {
            // The next renewal names them again.
            if (!_stop.IsCancellationRequested)
                _log.PurgeFailed(failure.Message);
        }
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await foreach (var version in _table.WatchAsync(_stop.Token).ConfigureAwait(false))
                {
                    if (version is null || version != CurrentSnapshot.Version)
                        Wake();
                }

                return;
            }
            catch (Exception) when (!_stop.IsCancellationRequested)
            {
                // Each renewal looks too: what is missed here is seen then.
                await Task.Delay(_options.MembershipRenew, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private void Publish(ClusterMembershipSnapshot snapshot, IReadOnlyList<string> left)
    {
        var last = _published;
        var gone = last.Snapshot.Members.Select(m => m.SiloAddress).Where(silo => snapshot.Find(silo.Id) is null).ToList();
        var next = new Published(snapshot);
        _published = next;
        EngineTelemetry.Members.Record(snapshot.Members.Count);
        if (!_stop.IsCancellationRequested)
        {
            // Not when this silo itself has left: the others are still there, and wait for its last answers.
            foreach (var member in gone.Where(silo => silo != _former))
                _log.MemberGone(member);
            _listener.Changed(gone, left);
        }

        last.Next.TrySetResult(next);
    }

    private void Tick()
    {
        Notice();
        Wake();
    }

    private void Notice() => _news.Notice(_address, IsOverdue ? SinceRenewed : null);

    private void Wake()
    {
        lock (_gate)
        {
            if (_wake.CurrentCount == 0)
                _wake.Release();
        }
    }

    private async IAsyncEnumerable<ClusterMembershipSnapshot> UpdatesAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var current = _published;
        while (current is not null)
        {
            yield return current.Snapshot;
            var next = await current.Next.Task.WaitAsync(cancellationToken).ConfigureAwait(false);

            // A slow reader goes on with the newest.
            current = next is null ? null : _published;
        }
    }

    private sealed class Published(ClusterMembershipSnapshot snapshot)
    {
        public ClusterMembershipSnapshot Snapshot => snapshot;

        public TaskCompletionSource<Published?> Next { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
