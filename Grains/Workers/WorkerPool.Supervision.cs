using Gristmill.Grains.Handlers;
using Gristmill.Grains.Processes;

namespace Gristmill.Grains.Workers;

/// <summary>
/// Keeps the processes: each <see cref="WorkerSlot"/> holds at most one; one timer per pool, the sweep, looks at every deadline
/// (start-up, heartbeat, cancel, memory, restart) and keeps the <see cref="ProcessGuard"/> alive.
/// </summary>
internal sealed partial class WorkerPool
{
    /// <summary>A sweep that comes so late, and two of its intervals, was held up with the whole silo.</summary>
    private static readonly TimeSpan MinStandstill = TimeSpan.FromSeconds(1);

    private bool _sweeping;
    private long _sweptAt;

    /// <summary>A quarter of the shortest patience, so that none is exceeded by much, and seldom enough to cost nothing.</summary>
    internal static TimeSpan SweepInterval(WorkerOptions options)
    {
        TimeSpan[] patience =
        [
            options.StartupTimeout, options.HeartbeatTimeout, options.CancelGrace, options.TermGrace, options.RestartBackoff,
            options.StallSeconds > 0 ? options.Stall : options.HeartbeatTimeout,
        ];
        return TimeSpan.FromMilliseconds(Math.Clamp(patience.Min().TotalMilliseconds / 4, 20, 1000));
    }

    private void Sweep()
    {
        lock (_gate)
        {
            if (_sweeping)
            {
                return;
            }

            _sweeping = true;
        }

        try
        {
            _context.Guard.EnsureRunning();
            var now = _context.Time.GetTimestamp();
            ForgiveStandstill(now);
            foreach (var slot in AllSlots)
            {
                (slot.Worker ?? StartIn(slot, now))?.Sweep(now);
            }

            SweepAlone();
        }
        finally
        {
            lock (_gate)
            {
                _sweeping = false;
            }
        }
    }

    // Frozen, suspended or starved, the silo hears nobody; when it goes on, what its workers said meanwhile is still to be read.
    private void ForgiveStandstill(long now)
    {
        var last = _sweptAt == 0 ? now : _sweptAt;
        var gap = _context.Time.GetElapsedTime(last, now);
        _sweptAt = now;
        if (gap < MinStandstill + (2 * SweepInterval(_context.Options)))
        {
            return;
        }

        Log.StoodStill(_context.Logger, _context.Name, gap.TotalMilliseconds);
        foreach (var slot in AllSlots)
        {
            slot.Worker?.Forgive(now - last);
        }
    }

    private WorkerProcess? StartIn(WorkerSlot slot, long now)
    {
        lock (_gate)
        {
            if (_stopping || !slot.MayStart(now) || !HasDevice(slot, out var lease))
            {
                return null;
            }

            var worker = new WorkerProcess(_context, new Owner(this), $"{_context.Name}/{slot.Index}", lease);
            _context.Counters.Started();
            slot.Fill(worker);
            slot.Follow(FollowAsync(slot, worker));
            return worker;
        }
    }

    private async Task FollowAsync(WorkerSlot slot, WorkerProcess worker)
    {
        // Starting a process takes milliseconds; it shall not hold the pool's lock.
        await Task.Yield();
        var obituary = await worker.RunAsync().ConfigureAwait(false);
        ReleaseDevice(worker, obituary);
        lock (_gate)
        {
            var backoff = slot.Free(obituary);
            if (!obituary.WasOrderly)
            {
                _lastFailure = obituary.Why;
                Log.Restarting(_context.Logger, _context.Name, slot.Index, backoff.TotalMilliseconds);
            }

            _homes.Gone(worker);
            GiveBackStranded();
            if (slot == _alone)
            {
                EndAloneIfHopeless(obituary);
            }
            else if (!obituary.WasReady && _slots.All(other => other.IsHopeless))
            {
                _line.EndAll(NoWorker());
                _firstReady.TrySetException(new RunnerStartException(
                    $"The workers of queue '{_context.Name}' cannot be started ({string.Join(' ', _context.Options.Command)}): " +
                    obituary.Why));
            }
        }

        if (obituary.WasOrderly)
        {
            StartIn(slot, _context.Time.GetTimestamp());
        }
    }
}
