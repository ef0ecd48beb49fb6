using Gristmill.Grains.Bridge;
using Gristmill.Grains.Handlers;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Simulation.Tests.Redis;
using Gristmill.Simulation.Tests.World;
using Gristmill.Store;
using Microsoft.Extensions.Logging;

namespace Gristmill.Simulation.Tests.Leases;

/// <summary>
/// A silo with one queue: the product's lease keeper and job store, and in place of the bridge's loops and handlers the
/// world's events. It claims and starts while it holds its lease, works for a random time, and records what came of it
/// again and again until the store has said something.
/// </summary>
internal sealed class SimSilo : IRunOwner
{
    public static readonly GristmillOptions Options = new();
    private static readonly TimeSpan Sweep = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestWork = TimeSpan.FromSeconds(8);
    private readonly SimWorld _world;
    private readonly SimClient _redis;
    private readonly QueueRuntime _queue;
    private readonly HeldJobs _held;
    private readonly int _capacity;
    private readonly SiloIdentity _identity;
    private bool _ticking;
    private bool _taking;
    private bool _toList;

    public SimSilo(SimWorld world, SimServer server, string name, SimSchedule schedule, ILogger log)
    {
        _world = world;
        _capacity = schedule.Capacity;
        Process = new SimProcess(world, name);
        _redis = new SimClient(world, server, Process, schedule.Slowness);
        _identity = new SiloIdentity(name);
        _queue = new QueueRuntime("mill", new QueueOptions { LostBudget = 100 }, new QueueStore(_redis, Keys), () => null!, world.Clock)
        {
            Generation = $"{name}-{world.Random.Next():x}",
        };
        _held = new HeldJobs(_queue) { Detached = _ => { } };
        Lease = new LeaseKeeper(_queue, _identity, Options, _held, world.Clock, log);
        var renew = TimeSpan.FromSeconds(Options.RenewSeconds);
        Every(world.Between(TimeSpan.Zero, renew), renew, () => _ = TickAsync());
        Every(Sweep, Sweep, Lease.CheckDeadline);
        Every(Look, Look, () => _ = TakeAsync());
    }

    public static RedisKeys Keys { get; } = new("sim", 0, "mill");

    public SimProcess Process { get; }

    public SimClient Redis => _redis;

    public LeaseKeeper Lease { get; }

    public string Generation => _queue.Generation;

    /// <summary>Attempts that run and were not told to end.</summary>
    public int Running => _held.All.Count(r => r.Result is null && r.Cause == EndCause.None);

    string IRunOwner.Queue => "mill";

    TimeProvider IRunOwner.Clock => _world.Clock;

    IJobRunner IRunOwner.Runner => throw new NotSupportedException();

    int IRunOwner.MaxAttempts(JobHeader header) => 4;

    void IRunOwner.Progressed(JobRun run)
    {
    }

    void IRunOwner.Ended(JobRun run)
    {
    }

    private void Every(TimeSpan first, TimeSpan period, Action happens)
    {
        Process.After(first, () =>
        {
            happens();
            Every(period, period, happens);
        });
    }

    private async Task TickAsync()
    {
        if (_ticking) return;
        _ticking = true;
        await Lease.TickAsync(CancellationToken.None);
        var strays = new List<Settled>();
        while (Lease.Strays.TryDequeue(out var stray)) strays.Add(stray);
        try
        {
            if (strays.Count > 0) await _queue.Store.SettleAsync(Generation, strays);
        }
        catch (RedisException)
        {
            // The store says at the next tick again that this silo holds them.
        }

        _ticking = false;
    }

    // As the claimer does: what is ready and what is pushed, in turn, no more than there is room for.
    private async Task TakeAsync()
    {
        var free = _capacity - _held.Count;
        if (_taking || free <= 0 || !Lease.IsHeld) return;
        _taking = true;
        _toList = !_toList;
        var counter = Lease.BeginTake();
        var generation = Generation;
        try
        {
            if (_toList)
            {
                var request = new ClaimRequest { List = "pushed", Generation = generation, Counter = counter, MaxItems = free };
                var claim = await _queue.Store.ClaimAsync(request, "ep");
                if (Counts(claim.Status, generation)) Launch(generation, counter, claim.Items.Select(i => (i.Seq, new JobHeader())));
            }
            else
            {
                var start = await _queue.Store.StartAsync(generation, counter, free, 1 << 20, 0);
                if (Counts(start.Status, generation)) Launch(generation, counter, start.Jobs.Select(j => (j.Seq, JobRecord.Parse(j.Seq, j.Record).Header)));
            }
        }
        catch (RedisException)
        {
            // What was taken without this silo's hearing of it is a stranger to the lease keeper, which gives it back.
        }
        finally
        {
            Lease.EndTake(counter);
            _taking = false;
        }
    }

    private bool Counts(StoreStatus status, string generation)
    {
        if (status == StoreStatus.NoLease) Lease.Reaped(generation);
        return status == StoreStatus.Ok && generation == Generation;
    }

    private void Launch(string generation, long counter, IEnumerable<(long Seq, JobHeader Header)> jobs)
    {
        foreach (var (seq, header) in jobs)
        {
            var run = new JobRun(this, seq, counter, generation, header, default, header.Attempts + 1, $"{seq}") { StartedAt = 0, Limit = long.MaxValue };
            _held.Add(run);
            Process.After(_world.Between(TimeSpan.Zero, LongestWork), () => _ = RecordAsync(run));
        }
    }

    // As the recorder does: until the store has said something. A handler that was told to end has its job given back.
    private async Task RecordAsync(JobRun run)
    {
        var cancelled = run.Cause != EndCause.None;
        while (!run.Lost)
        {
            try
            {
                if (cancelled) await _queue.Store.SettleAsync(run.Generation, [new Settled(run.Seq, run.Counter, Settlement.Release, 0, null)]);
                else await _queue.Store.CompleteAsync(run.Generation, [new Completion(run.Seq, run.Counter, new JobHeader { Attempts = run.Attempt }, "1"u8.ToArray())], []);
                break;
            }
            catch (RedisException)
            {
                var pause = new TaskCompletionSource();
                Process.After(Again, pause.SetResult);
                await pause.Task;
            }
        }

        _held.Remove(run);
    }
}
