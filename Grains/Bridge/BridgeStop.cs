using System.Globalization;
using Gristmill.Grains.Jobs;
using Gristmill.Grains.Silo;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>
/// How a bridge stops: nothing new is taken; what runs may end within the limit; past it handlers are told to end; past a
/// grace the jobs of those that do not are given back; and once nothing is held the lease is given up.
/// </summary>
internal sealed class BridgeStop(QueueRuntime queue, LeaseKeeper lease, HeldJobs held, TimeSpan leaseTime, TimeProvider clock, ILogger log)
{
    // How long handlers that were told to end may take before their jobs are given back behind their backs.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private long _began;
    private TimeSpan? _limit;

    /// <summary>Whether it is over: nothing is held, and the lease is given up.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Whether the lease is being given up: a renewal would take it again.</summary>
    public bool IsLeaving { get; private set; }

    /// <summary>Begins. Asked again, the sooner end counts: a silo that drains without a limit may be told to stop.</summary>
    /// <returns>Whether it was the first time.</returns>
    public bool Begin(TimeSpan limit)
    {
        if (_limit is { } known)
        {
            var sooner = clock.GetElapsedTime(_began) + limit;
            if (sooner < known) _limit = sooner;
            return false;
        }

        _limit = limit;
        _began = clock.GetTimestamp();
        log.Stopping(queue.Name, held.Count, limit < BridgeHost.DrainLimit ? string.Create(CultureInfo.InvariantCulture, $"{limit.TotalSeconds} s") : "as long as they need");
        return true;
    }

    /// <summary>Goes on with it; nothing until it has begun. Called often.</summary>
    public async Task GoOnAsync(CancellationToken cancellationToken)
    {
        if (_limit is not { } limit || IsOver) return;
        var over = clock.GetElapsedTime(_began) - limit;
        if (over >= TimeSpan.Zero) EndAll(over);
        await LeaveWhenIdleAsync(over, cancellationToken);
    }

    private void EndAll(TimeSpan over)
    {
        foreach (var run in held.All) run.End(EndCause.Shutdown);
        if (over < Grace) return;
        foreach (var run in held.All.Where(r => r.Result is null && !r.Finishing).ToList())
        {
            run.Lost = true;
            held.Remove(run);
            lease.Strays.Enqueue(new Settled(run.Seq, run.Counter, Settlement.Release, 0, null));
            log.GivenBackWhileRunning(queue.Name, run.Id);
        }
    }

    // What cannot be recorded or given back since the store is away is left to the lease, which expires: stopping never
    // waits for the store longer than that.
    private async Task LeaveWhenIdleAsync(TimeSpan over, CancellationToken cancellationToken)
    {
        var tooLate = over > Grace + leaseTime;

        // A renewal, a claim or a start that is under way would find the lease given up, and take it again.
        if (IsLeaving || (!tooLate && (lease.IsRenewing || lease.IsTaking || held.Count > 0 || lease.Strays.Count > 0))) return;
        IsLeaving = true;
        try
        {
            if (tooLate) log.StoppedInPart(queue.Name, held.Count);
            else if (await queue.Store.LeaveAsync(lease.Generation, cancellationToken) > 0) return;
            IsOver = true;
        }
        catch (Exception error) when (error is RedisException or WrongTypeException or OperationCanceledException)
        {
            // Nothing is held: what stands in the store is a lease that expires by itself.
            log.LeaveFailed(queue.Name, error.Message);
            IsOver = true;
        }
        finally
        {
            IsLeaving = false;
        }
    }
}
