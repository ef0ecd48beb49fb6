using Gristmill.Grains.Options;
using Gristmill.Grains.Silo;
using Gristmill.Grains.Telemetry;
using Gristmill.Redis;
using Gristmill.Store;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Bridge;

/// <summary>
/// Decides what to take next, and takes it: ready jobs first where both wait, then the lists by priority. It takes no more
/// than the silo has room for; while one call is under way, slots that become free wait for the next, so that batches grow
/// with the load. Where payloads ask for priorities, lists are admitted ahead of their start, up to the window.
/// </summary>
internal sealed class Claimer(QueueRuntime queue, LeaseKeeper lease, HeldJobs held, Intake intake, StoreClock storeClock, IReadOnlyList<ListSource> lists, ListGuard guard, TimeProvider clock, Random random, ILogger log)
{
    private const int MaxBatch = 512;
    private const int MaxBytes = 4 * 1024 * 1024;
    private const int MaxAdmitted = 512;

    // Outcomes that wait for the store are bounded too: beyond this many held jobs nothing more is taken.
    private const int MaxHeldBeyondCapacity = 1000;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ShortestReadingPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestReadingPause = TimeSpan.FromMilliseconds(100);

    private readonly Signal _signal = new();
    private bool _readyHint = true;
    private bool _oddToList;
    private TimeSpan _readingPause = ShortestReadingPause;
    private bool _windowFull;
    private string? _storeTrouble;
    private string? _limitTrouble;

    /// <summary>When the next waiting job is due, Unix ms by the store's clock; null when none is known.</summary>
    public long? NextDue { get; private set; }

    /// <summary>What keeps work from being taken, for people; null when nothing does.</summary>
    public string? Trouble => _storeTrouble ?? _limitTrouble ?? lists.FirstOrDefault(l => l.Trouble is not null)?.Trouble;

    /// <summary>Called with the number of items that a claim made dead letters of where they lay.</summary>
    public required Action<int> Buried { get; init; }

    /// <summary>There may be room or work: look again. From any thread.</summary>
    public void Wake() => _signal.Set();

    /// <summary>Jobs may be ready: look again.</summary>
    public void WakeReady()
    {
        _readyHint = true;
        _signal.Set();
    }

    /// <summary>A job will be due then, Unix ms by the store's clock.</summary>
    public void Due(long at) => NextDue = NextDue is { } known && known < at ? known : at;

    /// <summary>Looks again where a list was left alone for a while.</summary>
    public void WakeRested()
    {
        if (NextList() is not null) _signal.Set();
    }

    /// <summary>The net below all hints: look at everything again.</summary>
    public void WakeAll()
    {
        foreach (var list in lists)
        {
            // What has come without waking anybody was seen by nobody.
            if (list.Waiter.IsArmed) list.IsSuspect = true;
            list.Hint = true;
        }

        WakeReady();
    }

    /// <summary>Takes work until told not to.</summary>
    /// <param name="taking">Ends the loop between two rounds: what is under way is brought to its end.</param>
    /// <param name="cancellationToken">Ends it at once.</param>
    public async Task RunAsync(CancellationToken taking, CancellationToken cancellationToken)
    {
        try
        {
            while (!taking.IsCancellationRequested)
            {
                if (!await LookAsync(cancellationToken)) await _signal.WaitAsync(taking);
            }
        }
        catch (OperationCanceledException) when (taking.IsCancellationRequested)
        {
            // The bridge ends or stops.
        }
        finally
        {
            queue.Settle(wants: false);
        }
    }

    // A round, and then room that it has kept and not filled is given back.
    private async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await TakeAsync(cancellationToken);
        }
        finally
        {
            queue.Settle(wants: MayTake && (_readyHint || (lease.Mode == QueueMode.Open && NextList() is not null)));
        }
    }

    private bool MayTake => lease is { IsHeld: true, IsInDoubt: false } && lease.Mode != QueueMode.Paused && queue.Broken is null;

    // One round; false when there is nothing to do until somebody signals.
    private async Task<bool> TakeAsync(CancellationToken cancellationToken)
    {
        if (!MayTake) return false;
        if (NextDue is { } due && due <= storeClock.Now) _readyHint = true;
        var list = lease.Mode == QueueMode.Open ? NextList() : null;
        if (!_readyHint && list is null) return false;
        var free = Math.Min(queue.Reserve(), queue.Capacity + MaxHeldBeyondCapacity - held.Count);
        var admitAhead = intake.AdmitsAhead;
        if (free <= 0 && !(admitAhead && list is not null)) return false;

        // Where both wait they share; an odd slot goes to each in turn.
        _oddToList = !_oddToList;
        var share = _readyHint ? (free + (_oddToList ? 1 : 0)) / 2 : free;
        var toClaim = list is null ? 0 : admitAhead ? MaxAdmitted : Math.Min(MaxBatch, share);
        var toStart = !_readyHint || free <= 0 ? 0 : Math.Min(MaxBatch, admitAhead ? free : free - toClaim);
        if (toStart == 0 && toClaim == 0) return false;
        try
        {
            // Both are under way at once: one round trip. Neither is left alone when the other fails.
            await Task.WhenAll(
                toStart > 0 ? StartAsync(toStart, cancellationToken) : Task.CompletedTask,
                toClaim > 0 ? ClaimAsync(list!, toClaim, admitAhead, cancellationToken) : Task.CompletedTask);
            _storeTrouble = null;
        }
        catch (Exception error) when (error is RedisException or WrongTypeException)
        {
            if (_storeTrouble is null) log.TakeFailed(queue.Name, RedisAdvice.Explain(error));
            _storeTrouble = RedisAdvice.Explain(error);
            lease.Failed(error);
            await Task.Delay(Pause, clock, cancellationToken);
        }

        return true;
    }

    private ListSource? NextList()
    {
        foreach (var list in lists)
        {
            if (list.Hint && !list.Rests(clock)) return list;
        }

        return null;
    }

    private async Task StartAsync(int count, CancellationToken cancellationToken)
    {
        var counter = lease.BeginTake();
        var generation = lease.Generation;
        var more = true;
        _readyHint = false;
        try
        {
            var reply = await queue.Store.StartAsync(generation, counter, count, MaxBytes, queue.Options.ClusterConcurrency, cancellationToken);
            more = reply.Ready > 0 && reply.Jobs.Count > 0;
            if (!Check(reply.Status, generation)) return;
            storeClock.Heard(reply.Now);
            lease.CheckEpoch(reply.Epoch);
            NextDue = reply.NextDue;
            if (_windowFull && reply.Ready <= queue.Options.Window / 2) WindowHasRoom();
            await intake.TakeAsync(reply, generation, counter, cancellationToken);
        }
        finally
        {
            // A hint that came meanwhile stands.
            if (more) _readyHint = true;
            lease.EndTake(counter);
        }
    }

    private async Task ClaimAsync(ListSource list, int count, bool admitAhead, CancellationToken cancellationToken)
    {
        using var activity = GristmillTelemetry.StartReceive(list.Name);
        var counter = lease.BeginTake();
        var generation = lease.Generation;
        var options = queue.Options;
        var more = true;
        list.Hint = false;
        try
        {
            if (!await guard.MayClaimAsync(list, cancellationToken)) return;
            var request = Request(list, generation, counter, count, admitAhead);
            // A new epoch each time: after a flush it, and the ids made of it, must be others than before.
            var reply = await queue.Store.ClaimAsync(request, QueueStore.NewEpoch(clock, random), cancellationToken);
            more = reply.Status == StoreStatus.Reading || reply.Status == StoreStatus.Ok && reply.Left > 0;
            // Another silo reads what it took; its admission wakes this one too, should it take longer.
            _readingPause = reply.Status != StoreStatus.Reading ? ShortestReadingPause : _readingPause * 2 < LongestReadingPause ? _readingPause * 2 : LongestReadingPause;
            if (reply.Status == StoreStatus.Reading) await Task.Delay(_readingPause, clock, cancellationToken);
            list.Trouble = null;
            NoteLimits(reply.Status, admitAhead);
            if (!Check(reply.Status, generation)) return;
            storeClock.Heard(reply.Now);
            if (reply.Items.Count + reply.Aside > 0) lease.CheckEpoch(reply.Epoch);
            // Jobs first: what follows can wait until they are on their way.
            var taking = intake.TakeAsync(reply, list.Priority, generation, counter, request.Start, cancellationToken);
            if (reply.Left == 0) list.Waiter.Arm();
            var tag = GristmillTelemetry.Queue(queue.Name);
            GristmillTelemetry.Claims.Add(1, tag, new KeyValuePair<string, object?>("result", reply.Items.Count + reply.Aside > 0 ? "items" : "empty"));
            if (reply.Items.Count + reply.Aside == 0) return;
            GristmillTelemetry.Consumed.Add(reply.Items.Count + reply.Aside, tag);
            if (reply.Aside > 0)
            {
                log.Aside(queue.Name, list.Name, reply.Aside, options.MaxPayloadBytes);
                GristmillTelemetry.Finished.Add(reply.Aside, tag, new KeyValuePair<string, object?>("outcome", "dead"));
                Buried(reply.Aside);
            }

            var good = await taking;
            list.Yielded(reply.Items.Count + reply.Aside, good, clock);

            // What is no job may be the first of many of another library's.
            if (good < reply.Items.Count) list.IsSuspect = true;
        }
        catch (WrongTypeException error) when (error.Key == list.Name)
        {
            // It is its producers' to mend; the other lists go on.
            if (list.Trouble is null) log.TakeFailed(queue.Name, error.Message);
            list.Trouble = error.Message;
            list.Rest(clock, ListSource.WrongTypeRest);
        }
        finally
        {
            if (more) list.Hint = true;
            lease.EndTake(counter);
        }
    }

    private ClaimRequest Request(ListSource list, string generation, long counter, int count, bool admitAhead)
    {
        var options = queue.Options;
        return new ClaimRequest
        {
            List = list.Name,
            FromTail = options.OldestAt() == PopEnd.Right,
            Generation = generation,
            Counter = counter,
            MaxItems = count,
            MaxBytes = MaxBytes,
            MaxPayload = options.MaxPayloadBytes,
            DeadLimit = options.DeadLetterLimit,
            WaitingLimit = options.WaitingLimit,
            Limit = admitAhead ? 0 : options.ClusterConcurrency,
            Window = admitAhead ? options.Window : 0,
            Priority = list.Priority,
            Start = !admitAhead,
        };
    }

    // Whether the reply counts: what a generation took that is gone by now goes to others.
    private bool Check(StoreStatus status, string generation)
    {
        if (status == StoreStatus.NoLease) lease.Reaped(generation);
        return status == StoreStatus.Ok && generation == lease.Generation;
    }

    private void NoteLimits(StoreStatus status, bool admitAhead)
    {
        if (status == StoreStatus.NoRoom) _windowFull = admitAhead;
        if (status == StoreStatus.DeadLettersFull)
        {
            if (_limitTrouble is null) log.DeadLettersFull(queue.Name, queue.Options.DeadLetterLimit);
            _limitTrouble = $"The queue has {queue.Options.DeadLetterLimit} dead letters, as many as it may have; requeue or purge some.";
        }
        else if (status == StoreStatus.WaitingFull)
        {
            if (_limitTrouble is null) log.WaitingFull(queue.Name, queue.Options.WaitingLimit);
            _limitTrouble = $"{queue.Options.WaitingLimit} jobs wait for their time, for other jobs or for another attempt, as many as may (WaitingLimit {queue.Options.WaitingLimit}); nothing is claimed until some start or are cancelled.";
        }
        else if (status == StoreStatus.Ok)
        {
            _limitTrouble = null;
        }
    }

    private void WindowHasRoom()
    {
        _windowFull = false;
        foreach (var list in lists) list.Hint = true;
    }
}
