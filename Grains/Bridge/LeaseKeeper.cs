using Gristmill.Grains.Jobs;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Grains.Telemetry;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>
/// Keeps this silo's lease on one queue, and keeps what the bridge holds in line with what the store says that it holds.
/// Called by a timer of the bridge. Steps of a tick: may the channels be published to, where that is in doubt → renew (or join)
/// → reconcile → reap for others.
/// </summary>
/// <remarks>
/// The silo measures its own deadline from when it sent the last renewal that was answered, on a clock that nobody sets.
/// Past it the handlers are told to end; what they did is recorded only if the store, asked again, still says that the
/// lease is this silo's.
/// </remarks>
internal sealed class LeaseKeeper(QueueRuntime queue, SiloIdentity silo, GristmillOptions options, HeldJobs held, TimeProvider clock, ILogger log)
{
    private readonly TimeSpan _ttl = TimeSpan.FromSeconds(options.LeaseSeconds);
    private readonly HashSet<long> _inFlight = [];
    private readonly HashSet<(long Seq, long Counter)> _strangers = [];
    private readonly ReapOptions _reap = new()
    {
        LeaseTtl = TimeSpan.FromSeconds(options.LeaseSeconds),

        // Shorter than a lease: a silo that was held up for longer than its own lease must find a gap, not itself expired.
        Gap = TimeSpan.FromSeconds(Math.Max(3 * options.RenewSeconds, Math.Min(3, 0.6 * options.LeaseSeconds))),
        Interval = TimeSpan.FromSeconds(options.RenewSeconds / 2),
        LostBudget = queue.Options.LostBudget,
    };

    private readonly RepeatedFailure _failures = new(clock);
    private long _sentAt;
    private string? _joined;
    private string? _epoch;
    private long _takes;

    /// <summary>The generation under which jobs are claimed; a new one after each loss of the lease.</summary>
    public string Generation => queue.Generation;

    /// <summary>Whether the lease was renewed in time, so that work may be claimed.</summary>
    public bool IsHeld { get; private set; }

    /// <summary>
    /// Whether the rights of the Redis user are in doubt: before the lease is taken, and when a step was forbidden. Nothing is taken
    /// meanwhile, since a script that may not publish fails when its records are written.
    /// </summary>
    public bool IsInDoubt { get; private set; } = true;

    /// <summary>Whether the queue takes and starts jobs, as last heard.</summary>
    public QueueMode Mode { get; set; }

    /// <summary>Jobs that the store says this silo holds and that it does not know, seen twice: given back by the bridge.</summary>
    public Queue<Settled> Strays { get; } = new();

    /// <summary>What keeps the lease from being held, for people; null when nothing does.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Begins a claim or start; its jobs are not strangers while it is under way.</summary>
    public long BeginTake()
    {
        var counter = silo.NextCounter();
        _takes++;
        _inFlight.Add(counter);
        return counter;
    }

    public void EndTake(long counter) => _inFlight.Remove(counter);

    /// <summary>Whether a claim or start is under way.</summary>
    public bool IsTaking => _inFlight.Count > 0;

    /// <summary>A claim or start failed: the next tick asks what it may do, if it was forbidden.</summary>
    public void Failed(Exception error) => IsInDoubt |= RedisAdvice.IsForbidden(error);

    /// <summary>A claim or start of this generation was answered with NoLease: join anew.</summary>
    public void Reaped(string generation)
    {
        if (generation == Generation) StartAnew();
    }

    /// <summary>Ends what runs when the deadline has passed, also what a late reply has brought since. Called often.</summary>
    public void CheckDeadline()
    {
        if (clock.GetElapsedTime(_sentAt) < _ttl) return;
        if (IsHeld)
        {
            log.LeaseDeadline(queue.Name, Generation, _ttl.TotalSeconds, clock.GetElapsedTime(_sentAt).TotalSeconds, held.Executing);
            Trouble ??= $"The lease could not be renewed within {_ttl.TotalSeconds} s.";
        }

        IsHeld = false;
        foreach (var run in held.All) run.End(EndCause.LeaseLost);
    }

    /// <summary>Whether a tick is under way.</summary>
    public bool IsRenewing { get; private set; }

    /// <summary>One tick.</summary>
    public async Task TickAsync(CancellationToken cancellationToken)
    {
        IsRenewing = true;
        try
        {
            await RenewAsync(cancellationToken);
        }
        finally
        {
            IsRenewing = false;
        }
    }

    /// <summary>Another epoch than before means that the keys were flushed: what ran then is forgotten by the store.</summary>
    public void CheckEpoch(string epoch)
    {
        if (epoch.Length == 0) return;
        if (_epoch is { } known && known != epoch) Flushed(known, epoch);
        _epoch = epoch;
    }

    private async Task RenewAsync(CancellationToken cancellationToken)
    {
        var before = held.All.Where(r => !r.Finishing).ToList();
        var generation = Generation;
        var (quiet, takes) = (_inFlight.Count == 0, _takes);
        try
        {
            // Not whenever the lease is not held: what is late already must not wait for two answers.
            if (IsInDoubt) await queue.Store.GreetAsync(cancellationToken);
            IsInDoubt = false;
            var sent = clock.GetTimestamp();
            var reply = await queue.Store.RenewAsync(generation, silo.Name, _ttl, join: _joined != generation, queue.ForeignLists, queue.Sessions, cancellationToken);
            if (reply.Status == StoreStatus.NoLease)
            {
                Reaped(generation);
                generation = Generation;
                sent = clock.GetTimestamp();
                reply = await queue.Store.RenewAsync(generation, silo.Name, _ttl, join: true, queue.ForeignLists, queue.Sessions, cancellationToken);
            }

            // A claim heard meanwhile that this generation is gone: the next tick joins with the new one.
            if (generation != Generation) return;
            Renewed(generation, sent);
            Mode = reply.State;
            if (reply.Epoch.Length == 0 && quiet && takes == _takes) EpochGone();
            else CheckEpoch(reply.Epoch);
            Reconcile(reply, before);

            // Who was held up since could find its own lease expired, and charge its own jobs.
            if (clock.GetElapsedTime(sent) < _ttl / 2) await ReapAsync(cancellationToken);
        }
        catch (Exception error) when (error is RedisException or WrongTypeException or SchemaException)
        {
            Failed(error);
            Trouble = $"The lease cannot be renewed: {RedisAdvice.Explain(error)}";
            Say(error);
        }
    }

    // No epoch means that nothing was written yet, or that all is gone. Only a renewal that no claim has overtaken says so:
    // another one's reply may be older than the epoch that a claim has made since.
    private void EpochGone()
    {
        if (_epoch is { } known) Flushed(known, "none yet");
        _epoch = null;
    }

    private void Flushed(string known, string next)
    {
        queue.History.Flushed();
        log.Flushed(queue.Name, known, next);
    }

    private void Say(Exception error)
    {
        switch (_failures.Failed(error.Message))
        {
            case FailureNews.New:
                log.RenewFailed(queue.Name, error.Message, error is RedisException ? RedisAdvice.Of(error) : string.Empty);
                break;
            case FailureNews.Still:
                log.RenewStillFails(queue.Name, _failures.Count, _failures.Lasted.TotalSeconds, error.Message);
                break;
        }
    }

    private void Renewed(string generation, long sent)
    {
        _joined = generation;
        _sentAt = sent;
        _failures.Succeeded();

        // A reply that took longer than the lease lasts says nothing of now.
        if (clock.GetElapsedTime(sent) >= _ttl) return;
        Trouble = null;
        if (!IsHeld) log.LeaseHeld(queue.Name, generation);
        IsHeld = true;
    }

    private void Reconcile(RenewReply reply, List<JobRun> before)
    {
        foreach (var run in before)
        {
            if (run.Generation == Generation && !run.Finishing && !reply.Held.ContainsKey(run.Seq) && held.Contains(run.Seq)) Lose(run);
        }

        foreach (var (seq, _) in reply.Cancels) held.Find(seq)?.End(EndCause.Requested);

        var strangers = reply.Held.Where(h => !_inFlight.Contains(h.Value) && held.Find(h.Key)?.Counter != h.Value).Select(h => (h.Key, h.Value)).ToList();
        foreach (var stranger in strangers.Where(_strangers.Contains))
        {
            log.Stray(queue.Name, stranger.Key);
            Strays.Enqueue(new Settled(stranger.Key, stranger.Value, Settlement.Release, 0, null));
        }

        _strangers.Clear();
        _strangers.UnionWith(strangers);
    }

    private void StartAnew()
    {
        // A silo that was frozen can hear that its lease is gone before it has looked at its own clock; it tells both, in order.
        CheckDeadline();
        IsHeld = false;
        var (former, next) = (Generation, SiloIdentity.NewGeneration());
        queue.History.LeaseLost();
        log.LeaseLost(queue.Name, former, held.Count, next);
        foreach (var run in held.All.ToList()) Lose(run);
        queue.Generation = next;
    }

    private void Lose(JobRun run)
    {
        run.Lost = true;
        run.End(EndCause.LeaseLost);
        held.Remove(run);
        log.JobLost(queue.Name, run.Id, run.Attempt);
        GristmillTelemetry.LeasesLost.Add(1, GristmillTelemetry.Queue(queue.Name));
    }

    private async Task ReapAsync(CancellationToken cancellationToken)
    {
        var reply = await queue.Store.ReapAsync(_reap, cancellationToken);
        if (reply.What == "gap" && reply.Generations.Count > 1) log.LeasesExtended(queue.Name, reply.Generations.Count);
        if (reply.What == "tick" && reply.Generations.Count + reply.Recovered + reply.Dead > 0) queue.History.Reaped(reply.Generations.Count, reply.Recovered, reply.Dead);
        if (reply.Recovered + reply.Dead > 0) log.Recovered(queue.Name, reply.Recovered, reply.Dead, string.Join(", ", reply.Generations));
    }
}
